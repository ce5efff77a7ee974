// The one translation unit that holds the compiled part of Boost.Process v2 (see process.cpp).
#include <boost/process/v2/src.hpp>
