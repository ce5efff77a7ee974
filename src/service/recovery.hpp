#pragma once

#include <certherd/service/state.hpp>

namespace certherd::service {

/// Closes what an earlier life that ended without a word left open. The lock is ours: nobody works on it any more.
///
/// A Run that was under way gets its end, `interrupted`, in the journal and in the audit log. Had it published already,
/// what it published is noted, so that no new order is made in its place, and its Hooks are owed. A Run that reached
/// its end in the journal and not in the audit log is added there.
void recover(State& state, const Settings& settings);

}  // namespace certherd::service
