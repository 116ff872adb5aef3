// What of the server's words against content a person is shown.
#include "engine/targets/kubernetes/refusal.h"

#include "engine/targets/kubernetes/api_status.h"
#include "tests/support/catch.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

struct ServerCause {
  std::string reason, field, message;
};

json InvalidBody(const std::vector<ServerCause>& causes) {
  json list = json::array();
  std::string message = "Thing \"x\" is invalid: [";
  for (const ServerCause& cause : causes) {
    list.push_back({{"reason", cause.reason}, {"field", cause.field}, {"message", cause.message}});
    message += cause.field + ": " + cause.message + ", ";
  }
  return {{"kind", "Status"},
          {"status", "Failure"},
          {"message", message + "]"},
          {"reason", "Invalid"},
          {"details", {{"causes", std::move(list)}}}};
}

json WordsBody(const std::string& message) {
  return {{"kind", "Status"}, {"status", "Failure"}, {"message", message}};
}

const std::string kGoStruct =
    "core.PodTemplateSpec{ObjectMeta:v1.ObjectMeta{Name:\"\", Labels:map[string]string{\"a: "
    "b\":\"}\"},"
    " DeletionTimestamp:<nil>}, Spec:core.PodSpec{Volumes:[]core.Volume(nil), Containers:"
    "[]core.Container{core.Container{Name:\"c\", Command:[]string{\"say \\\"{: \"}}}}}";

}  // namespace

TEST_CASE("one line names field and rule, and no Go struct") {
  const auto [causes, line] = GENERATE(table<std::vector<ServerCause>, std::string>({
      {{{"FieldValueInvalid", "spec.template",
         "Invalid value: " + kGoStruct + ": field is immutable"}},
       "spec.template: field is immutable"},
      {{{"FieldValueInvalid", "spec.selector",
         "Invalid value: {\"matchLabels\":{\"app\":\"a: b\"}}: field is immutable"}},
       "spec.selector: field is immutable"},
      {{{"FieldValueInvalid", "spec.clusterIPs[0]",
         "Invalid value: [\"10.0.0.77\"]: may not change once set"},
        {"FieldValueInvalid", "spec.clusterIPs[0]",
         "Invalid value: [\"10.0.0.77\"]: may not change once set"}},
       "spec.clusterIPs[0]: Invalid value: [\"10.0.0.77\"]: may not change once set"},
      {{{"FieldValueForbidden", "spec",
         "Forbidden: spec is immutable after creation except resources.requests for bound claims\n"
         "  core.PersistentVolumeClaimSpec{\n- AccessModes: nil\n+ AccessModes: x\n"}},
       "spec: spec is immutable after creation except resources.requests for bound claims"},
      {{{"FieldValueInvalid", "spec.replicas",
         "Invalid value: -1: must be greater than or equal to 0"},
        {"FieldValueNotSupported", "spec.template.spec.restartPolicy",
         "Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\""}},
       "spec.replicas: Invalid value: -1: must be greater than or equal to 0; "
       "spec.template.spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: "
       "\"Always\", \"OnFailure\""},
      {{{"FieldValueInvalid", "spec", "Invalid value: \"object\": three is right out"}},
       "spec: three is right out"},
      {{{"FieldValueInvalid", "spec", "Invalid value: three is right out"}},
       "spec: Invalid value: three is right out"},
      {{{"FieldValueNotSupported", "spec.mode",
         "Unsupported value: \"c\": supported values: \"a\", \"b\""},
        {"FieldValueInvalid", "<nil>",
         "Invalid value: null: some validation rules were not checked because the object was "
         "invalid; correct the existing errors to complete validation"}},
       "spec.mode: Unsupported value: \"c\": supported values: \"a\", \"b\""},
      {{{"FieldValueTooLong", "[]", "Too long: may not be more than 1048576 bytes"}},
       "Too long: may not be more than 1048576 bytes"},
      {{{"", "", "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: key bad is bad"}},
       "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: key bad is bad"},
      {{{"FieldValueInvalid", "spec.template.metadata.labels",
         "Invalid value: {\"app\":\"f\"}: `selector` does not match template `labels`"}},
       "spec.template.metadata.labels: `selector` does not match template `labels`"},
      {{{"FieldValueInvalid", "spec.x", "Forbidden: " + std::string(500, 'w')}},
       "spec.x: " + std::string(397, 'w') + "..."},
      {{{"FieldValueRequired", "a", "Required value"},
        {"FieldValueRequired", "b", "Required value"},
        {"FieldValueTooLong", "c", "Too long: may not be more than 262144 bytes"},
        {"FieldValueRequired", "d", "Required value"},
        {"FieldValueRequired", "e", "Required value"}},
       "a: Required value; b: Required value; c: Too long: may not be more than 262144 bytes; and "
       "2 more"},
      {{{"FieldValueInvalid", "spec.x",
         "Invalid value: core.X{A:\"cut in the mid: field is immutable"}},
       "spec.x: field is immutable"},
      {{{"FieldValueInvalid", "spec.x", "Invalid value: core.X{A:map[string]string{}}"}},
       "spec.x: Invalid value"},
  }));
  CHECK(Summarize(InvalidBody(causes)) == line);
}

TEST_CASE("a schema's complaints come without causes") {
  CHECK(Summarize(WordsBody("failed to create typed patch object (ns/d; apps/v1, Kind=Deployment): "
                            ".spec.replicas: expected numeric (int or float), got "
                            "&value.valueUnstructured{Value:\"three\"}")) ==
        "spec.replicas: expected numeric (int or float)");
  CHECK(Summarize(
            WordsBody("failed to create typed patch object (ns/d; apps/v1, Kind=Deployment): "
                      "errors:\n  .spec.replicsa: field not declared in schema\n  "
                      ".spec.template.spec.containers[name=\"a: b\"].imge: field not declared in "
                      "schema\n")) ==
        "spec.replicsa: field not declared in schema; "
        "spec.template.spec.containers[name=\"a: b\"].imge: field not declared in schema");
  CHECK(
      Summarize(WordsBody("Job.batch \"j\" is invalid: spec.template: Invalid value: " + kGoStruct +
                          ": field is immutable")) == "spec.template: field is immutable");
  CHECK(Summarize(WordsBody("failed to create typed patch object (/new; apps/v1, Kind=Deployment): "
                            ".spec.template.spec.containers: expected list, got &{map[image:a "
                            "name:c]}")) == "spec.template.spec.containers: expected list");
  const std::string strict = "strict decoding error: unknown field \"spec.replicsa\"";
  CHECK(Summarize(WordsBody(strict)) == strict);
  CHECK(Summarize(json()).empty());
}

TEST_CASE("the remedy follows the line, and the server's words stand behind it") {
  struct Row {
    int status;
    json body;
    std::string_view reason;
    std::string message;
    bool has_detail;
  };
  const auto [status, body, reason, message, has_detail] = GENERATE(values<Row>({
      {422,
       InvalidBody({{"", "spec.template", "Invalid value: " + kGoStruct + ": field is immutable"}}),
       kReasonImmutableField, "spec.template: field is immutable", true},
      {422, InvalidBody({{"", "spec.replicas", "Invalid value: -1: must not be negative"}}),
       kReasonContentRejected,
       "spec.replicas: Invalid value: -1: must not be negative; correct the manifest", true},
      // A value may hold any words.
      {422, InvalidBody({{"", "data.a", "Invalid value: \"x is immutable\": must be short"}}),
       kReasonContentRejected,
       "data.a: Invalid value: \"x is immutable\": must be short; correct the manifest", true},
      {500,
       WordsBody("failed to create typed patch object (n/d; v1, Kind=X): .a: expected map, got 1"),
       kReasonContentRejected, "a: expected map, got 1; correct the manifest", true},
      {403, WordsBody("services \"s\" is forbidden: exceeded quota: q, requested: services=1"),
       kReasonQuotaExceeded,
       "services \"s\" is forbidden: exceeded quota: q, requested: services=1; ask for less, or "
       "have the quota raised",
       false},
      {400, WordsBody("admission webhook \"w\" denied the request: no"), kReasonAdmissionDenied,
       "admission webhook \"w\" denied the request: no; change what it forbids, or ask who runs "
       "that policy",
       false},
      {413, WordsBody("limit is 3145728"), kReasonContentRejected,
       "limit is 3145728; the API server takes 3 MiB at most, etcd about 1.5 MiB: make the object "
       "smaller",
       false},
  }));
  const Error error = DecodeFailure(status, body);
  CHECK(error.reason() == reason);
  CHECK(error.message() == message);
  CHECK(error.detail().empty() != has_detail);
}

TEST_CASE("of a Secret the fields are named, and what cannot change is said without a value") {
  const json invalid = InvalidBody({{"", "data[a]", "Invalid value: \"hunter2\": not base64"}});
  const Error error = WithoutValues(DecodeFailure(422, invalid), invalid);
  CHECK_THAT(error.message(), Catch::Contains("refuses the Secret for data[a];"));
  CHECK(error.message().find("hunter2") == std::string::npos);
  CHECK(error.detail().empty());
  const json fixed =
      InvalidBody({{"", "data", "Forbidden: field is immutable when `immutable` is set"}});
  const Error immutable = WithoutValues(DecodeFailure(422, fixed), fixed);
  CHECK(immutable.reason() == kReasonImmutableField);
  CHECK(immutable.message() == "data: field is immutable when `immutable` is set");
  CHECK(immutable.detail().empty());
  const json quoting = InvalidBody({{"", "type", "Invalid value: \"hunter2\": field is immutable"},
                                    {"", "data[a]", "Invalid value: \"hunter2\": not base64"}});
  const Error typed = WithoutValues(DecodeFailure(422, quoting), quoting);
  CHECK(typed.reason() == kReasonImmutableField);
  CHECK(typed.message() == "type: field is immutable");
}

TEST_CASE("where the server names the whole, what changed is named") {
  const json before = {{"spec",
                        {{"serviceName", "a"},
                         {"replicas", 1},
                         {"template", {{"spec", {{"hostname", "h"}}}}},
                         {"containers", {{{"image", "a"}, {"command", {"x"}}}}}}}};
  json after = before;
  after["spec"]["serviceName"] = "b";
  after["spec"]["replicas"] = 2;
  after["spec"]["template"]["spec"]["hostname"] = "i";
  const std::string rule =
      "updates to statefulset spec for fields other than 'replicas', 'template' are forbidden";
  after["spec"].erase("containers");
  CHECK(NameChangedFields("spec: " + rule, before, after) == "spec.serviceName: " + rule);
  json pod = before;
  pod["spec"]["containers"][0] = {{"image", "b"}, {"command", {"y"}}};
  const std::string pods =
      "pod updates may not change fields other than "
      "`spec.containers[*].image`,`spec.tolerations`";
  CHECK(NameChangedFields("spec: " + pods, before, pod) ==
        "spec.containers[0].command[0]: " + pods);
  CHECK(NameChangedFields("spec.a: " + rule, before, after) == "spec.a: " + rule);
  CHECK(NameChangedFields("data: " + rule, before, after) == "data: " + rule);
  CHECK(NameChangedFields("no field", before, after) == "no field");
  CHECK(NameChangedFields("spec: " + rule, before, before) == "spec: " + rule);
}

}  // namespace sluice::targets::kubernetes
