// Whether what a server answered with success is what was asked for. A proxy, a cache or a login
// page in between may answer 200 with anything; such an answer says nothing about live. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/error.h"
#include "engine/model/object_ref.h"
#include "engine/targets/kubernetes/discovery.h"

namespace sluice::targets::kubernetes {

inline constexpr std::string_view kReasonAnswerNotTheObject = "AnswerNotTheObject";

// The object that `ref` names, as the server stores it: kind, name, namespace, uid, version.
Status ExpectObject(const nlohmann::json& answered, const ResourceType& type, const ObjectRef& ref);
// The same of a dry run, which stores nothing and has no version.
Status ExpectDryRun(const nlohmann::json& answered, const ResourceType& type, const ObjectRef& ref);
// A list of any kind; what is in it is not looked at.
Status ExpectList(const nlohmann::json& answered, const std::string& what);
// The answer to a DELETE: a Status that says Success of it, or the object as it goes. `uid` "" for
// any.
Status ExpectDeletion(const nlohmann::json& answered, const ResourceType& type,
                      const ObjectRef& ref, const std::string& uid);

// kUnavailable, so that it is never a verdict: "<what>: the server answered with success and …".
Error NotTheObject(const std::string& what, const std::string& but);

}  // namespace sluice::targets::kubernetes
