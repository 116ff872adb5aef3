"""Only engine/targets knows what Kubernetes is: everything else asks TargetKind and TargetDriver."""

import re
import unittest

import tree

# Where the words are at home: the kinds themselves, the simulated cluster beside them, the one table of kinds.
HOME = ("engine/targets/", "engine/sandbox/", "engine/cli/compose.cc", "engine/cli/sandbox_main.cc",
        "engine/cli/sandbox_options.cc")
# The interface must not know who implements it.
NOT_HOME = ("engine/targets/target_driver.h",)

KINDS = (
    "APIService|ClusterRole(?:Binding)?|ConfigMap|CRDs?|CronJob|CustomResourceDefinition|DaemonSet|Deployment|Endpoints"
    "|HorizontalPodAutoscaler|Ingress|Jobs?|LoadBalancer|Namespace|NetworkPolicy|PersistentVolume(?:Claim)?|Pods?|pods?"
    "|PodDisruptionBudget|ReplicaSet|ReplicationController|Secrets?|ServiceAccount|StatefulSet|StorageClass")
WORDS = [
    re.compile(r"\w*(?:kubernetes|kubectl|kubelet|kubeconfig|k8s)\w*", re.IGNORECASE),
    re.compile(rf"(?<![\w:])(?:{KINDS})(?![\w(])"),
    re.compile(r"\w*managedFields\w*|\bSSA\b"),
    re.compile(r"std::(?:get|get_if|holds_alternative)<\w*Target>"),
]
# A file's own words beside the rule, each with its reason.
EXCEPT = {
    "engine/yaml/": ["kubectl", "Kubernetes", "Secret"],  # values are typed as that program types them, whatever they are for
    "engine/model/object_ref.cc": [".k8s.io"],  # the recorded form of names does not change with who asks
    "engine/model/config.h": ["kubeconfig"],  # a field of daemon.yaml
    "engine/config/daemon.cc": ["kubeconfig"],
    "engine/cli/command_line.cc": ["Git-driven deployments to Kubernetes"],  # what the program is, for --help
    "engine/git/remote_access.cc": ["ReadSecret"],
    "engine/base/strings.cc": ["kSecretNames", "SecretValueAt", "MaskSecretValues"],
}


def words_of(path, text):
    for prefix, allowed in EXCEPT.items():
        if path.startswith(prefix):
            for words in allowed:
                text = text.replace(words, " " * len(words))
    for pattern in WORDS:
        for match in pattern.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, match.group(0)


class KindsOfTarget(tree.Case):
    def test_nothing_outside_targets_names_kubernetes_or_its_kinds(self):
        wrong = []
        for path in tree.code_files():
            if path.startswith(HOME) and path not in NOT_HOME:
                continue
            wrong += [f"{path}:{line}: {word}" for line, word in words_of(path, tree.read(path))]
        self.assert_none(wrong, "ask the kind of target (engine/model/target_kind.h, engine/targets/target_driver.h)")

    def test_the_rule_sees_what_it_is_for(self):
        for text in ('std::get<KubernetesTarget>(target.where)', 'ref.kind == "Secret"', "// the pod's container",
                     'ends_with(".k8s.io")', "bool IsLoadBalancer = kind == \"LoadBalancer\";", "// until its CRD is there"):
            self.assertTrue(list(words_of("engine/rollout/x.cc", text)), text)
        for text in ("namespace sluice::rollout {", "std::jthread", "// what is secret", "deploylog::DeployLog& log;"):
            self.assertFalse(list(words_of("engine/rollout/x.cc", text)), text)

    def test_every_exception_is_needed(self):
        """An exception that nothing uses any more is a hole."""
        unused = [f"{prefix}: {words}" for prefix, allowed in EXCEPT.items() for words in allowed
                  if not any(words in tree.read(path) for path in tree.code_files() if path.startswith(prefix))]
        self.assert_none(unused)


if __name__ == "__main__":
    unittest.main()
