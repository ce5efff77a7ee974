#include <certherd/hooks/context.hpp>
#include <certherd/hooks/select.hpp>

#include <algorithm>

namespace certherd::hooks {

std::vector<const Hook*> hooks_for(HookEvent event, const Certificate& certificate,
                                   const std::map<std::string, Hook>& hooks) {
  std::vector<const Hook*> chosen;
  for (const auto& name : certificate.hooks) {
    const auto found = hooks.find(name);
    if (found == hooks.end()) continue;
    const auto& wanted = found->second.on;
    if (std::find(wanted.begin(), wanted.end(), event) != wanted.end()) chosen.push_back(&found->second);
  }
  return chosen;
}

std::vector<HookJob> jobs_for(HookEvent event, const Certificate& certificate, const std::map<std::string, Hook>& hooks,
                              const std::string& run, int first) {
  std::vector<HookJob> jobs;
  for (const Hook* hook : hooks_for(event, certificate, hooks)) {
    HookJob job;
    job.run = run;
    job.hook = hook->id;
    job.event = to_string(event);
    job.position = first++;
    job.certificate = certificate.name;
    jobs.push_back(std::move(job));
  }
  return jobs;
}

}  // namespace certherd::hooks
