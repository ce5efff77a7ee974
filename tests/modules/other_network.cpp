// A network module as another build of certherd would bring it.
#include "../../src/os/network_module.hpp"

const certherd::os::NetworkModule certherd_network_module{"0.0.0/1", nullptr};
