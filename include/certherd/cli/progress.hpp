#pragma once

#include <certherd/cli/terminal.hpp>
#include <certherd/service/observer.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <ostream>

namespace certherd::cli {

struct ProgressOptions {
  bool phases = false;   ///< a line for each phase that ended, also where the output is no terminal
  bool several = false;  ///< more than one Certificate: lines name theirs
  bool certbot = false;  ///< certbot's own output as it comes
};

/// Shows Runs live: on a terminal the current phases with its elapsed time, and what is left of an announced wait;
/// every phase that ended as a line of its own. Elsewhere only what ProgressOptions ask for. Warnings go to standard
/// error.
std::unique_ptr<service::RunObserver> make_progress(boost::asio::any_io_executor executor, const Terminal& terminal,
                                                    ProgressOptions options, std::ostream& out);

}  // namespace certherd::cli
