# Sources of Kubernetes health, relative to engine/targets.
set(SLUICE_HEALTH_SOURCES
  kubernetes/diagnosis.cc
  kubernetes/health.cc
  kubernetes/health_apiservice.cc
  kubernetes/health_crd.cc
  kubernetes/health_daemonset.cc
  kubernetes/health_deployment.cc
  kubernetes/health_generic.cc
  kubernetes/health_job.cc
  kubernetes/health_network.cc
  kubernetes/health_pod.cc
  kubernetes/health_pvc.cc
  kubernetes/health_related.cc
  kubernetes/health_replicaset.cc
  kubernetes/health_statefulset.cc)
