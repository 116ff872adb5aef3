// Field types of built-in kinds, read off the OpenAPI v3 documents of a kube-apiserver 1.36.
// The notation is explained in schema.h.
#include "engine/sandbox/schema_tables.h"

namespace sluice::sandbox {

// clang-format off
const char kGroupTypes[] = R"schema(AuditAnnotation: key=s valueExpression=s
ExpressionWarning: fieldRef=s warning=s
MatchCondition: expression=s name=s
MatchResources!: excludeResourceRules=[@NamedRuleWithOperations matchPolicy=s<Equivalent|Exact>
  namespaceSelector=@LabelSelector objectSelector=@LabelSelector
  resourceRules=[@NamedRuleWithOperations
MutatingWebhook: admissionReviewVersions=[s
  clientConfig=@WebhookClientConfig.admissionregistration.v1 failurePolicy=s<Fail|Ignore>
  matchConditions=(name;name)@MatchCondition matchPolicy=s<Equivalent|Exact> name=s
  namespaceSelector=@LabelSelector objectSelector=@LabelSelector
  reinvocationPolicy=s<IfNeeded|Never> rules=[@RuleWithOperations
  sideEffects=s<None|NoneOnDryRun|Some|Unknown> timeoutSeconds=i
MutatingWebhookConfiguration: apiVersion=s kind=s metadata=@ObjectMeta
  webhooks=(name;name)@MutatingWebhook
NamedRuleWithOperations!: apiGroups=[s apiVersions=[s
  operations=[s<*|CONNECT|CREATE|DELETE|UPDATE> resourceNames=[s resources=[s
  scope=s<*|Cluster|Namespaced>
ParamKind!: apiVersion=s kind=s
ParamRef!: name=s namespace=s parameterNotFoundAction=s selector=@LabelSelector
RuleWithOperations: apiGroups=[s apiVersions=[s operations=[s<*|CONNECT|CREATE|DELETE|UPDATE>
  resources=[s scope=s<*|Cluster|Namespaced>
ServiceReference.admissionregistration.v1: name=s namespace=s path=s port=i
TypeChecking: expressionWarnings=[@ExpressionWarning
ValidatingAdmissionPolicy: apiVersion=s kind=s metadata=@ObjectMeta
  spec=@ValidatingAdmissionPolicySpec status=@ValidatingAdmissionPolicyStatus
ValidatingAdmissionPolicyBinding: apiVersion=s kind=s metadata=@ObjectMeta
  spec=@ValidatingAdmissionPolicyBindingSpec
ValidatingAdmissionPolicyBindingSpec: matchResources=@MatchResources paramRef=@ParamRef
  policyName=s validationActions=%s<Audit|Deny|Warn>
ValidatingAdmissionPolicySpec: auditAnnotations=[@AuditAnnotation failurePolicy=s<Fail|Ignore>
  matchConditions=(name;name)@MatchCondition matchConstraints=@MatchResources paramKind=@ParamKind
  validations=[@Validation variables=(name;name)@Variable
ValidatingAdmissionPolicyStatus: conditions=(type)@Condition observedGeneration=i
  typeChecking=@TypeChecking
ValidatingWebhook: admissionReviewVersions=[s
  clientConfig=@WebhookClientConfig.admissionregistration.v1 failurePolicy=s<Fail|Ignore>
  matchConditions=(name;name)@MatchCondition matchPolicy=s<Equivalent|Exact> name=s
  namespaceSelector=@LabelSelector objectSelector=@LabelSelector rules=[@RuleWithOperations
  sideEffects=s<None|NoneOnDryRun|Some|Unknown> timeoutSeconds=i
ValidatingWebhookConfiguration: apiVersion=s kind=s metadata=@ObjectMeta
  webhooks=(name;name)@ValidatingWebhook
Validation: expression=s message=s messageExpression=s reason=s
Variable!: expression=s name=s
WebhookClientConfig.admissionregistration.v1: caBundle=y
  service=@ServiceReference.admissionregistration.v1 url=s
CustomResourceColumnDefinition: description=s format=s jsonPath=s name=s priority=i type=s
CustomResourceConversion: strategy=s webhook=@WebhookConversion
CustomResourceDefinition: apiVersion=s kind=s metadata=@ObjectMeta
  spec=@CustomResourceDefinitionSpec status=@CustomResourceDefinitionStatus
CustomResourceDefinitionCondition: lastTransitionTime=t message=s observedGeneration=i reason=s
  status=s type=s
CustomResourceDefinitionNames: categories=[s kind=s listKind=s plural=s shortNames=[s singular=s
CustomResourceDefinitionSpec: conversion=@CustomResourceConversion group=s
  names=@CustomResourceDefinitionNames preserveUnknownFields=b scope=s
  versions=[@CustomResourceDefinitionVersion
CustomResourceDefinitionStatus: acceptedNames=@CustomResourceDefinitionNames
  conditions=(type)@CustomResourceDefinitionCondition observedGeneration=i storedVersions=[s
CustomResourceDefinitionVersion: additionalPrinterColumns=[@CustomResourceColumnDefinition
  deprecated=b deprecationWarning=s name=s schema=@CustomResourceValidation
  selectableFields=[@SelectableField served=b storage=b subresources=@CustomResourceSubresources
CustomResourceSubresourceScale: labelSelectorPath=s specReplicasPath=s statusReplicasPath=s
CustomResourceSubresources: scale=@CustomResourceSubresourceScale status=*
CustomResourceValidation: openAPIV3Schema=*
SelectableField: jsonPath=s
ServiceReference.apiextensions.v1: name=s namespace=s path=s port=i
WebhookClientConfig.apiextensions.v1: caBundle=y service=@ServiceReference.apiextensions.v1 url=s
WebhookConversion: clientConfig=@WebhookClientConfig.apiextensions.v1 conversionReviewVersions=[s
APIService: apiVersion=s kind=s metadata=@ObjectMeta spec=@APIServiceSpec status=@APIServiceStatus
APIServiceCondition: lastTransitionTime=t message=s reason=s status=s type=s
APIServiceSpec: caBundle=y group=s groupPriorityMinimum=i insecureSkipTLSVerify=b
  service=@ServiceReference.apiregistration.v1 version=s versionPriority=i
APIServiceStatus: conditions=(type;type)@APIServiceCondition
ServiceReference.apiregistration.v1: name=s namespace=s port=i
ControllerRevision: apiVersion=s data=* kind=s metadata=@ObjectMeta revision=i
DaemonSet: apiVersion=s kind=s metadata=@ObjectMeta spec=@DaemonSetSpec status=@DaemonSetStatus
DaemonSetCondition: lastTransitionTime=t message=s reason=s status=s type=s
DaemonSetSpec: minReadySeconds=i revisionHistoryLimit=i selector=@LabelSelector
  template=@PodTemplateSpec updateStrategy=@DaemonSetUpdateStrategy
DaemonSetStatus: collisionCount=i conditions=(type;type)@DaemonSetCondition
  currentNumberScheduled=i desiredNumberScheduled=i numberAvailable=i numberMisscheduled=i
  numberReady=i numberUnavailable=i observedGeneration=i updatedNumberScheduled=i
DaemonSetUpdateStrategy: rollingUpdate=@RollingUpdateDaemonSet type=s<OnDelete|RollingUpdate>
Deployment: apiVersion=s kind=s metadata=@ObjectMeta spec=@DeploymentSpec status=@DeploymentStatus
DeploymentCondition: lastTransitionTime=t lastUpdateTime=t message=s reason=s status=s type=s
DeploymentSpec: minReadySeconds=i paused=b progressDeadlineSeconds=i replicas=i
  revisionHistoryLimit=i selector=@LabelSelector strategy=~@DeploymentStrategy
  template=@PodTemplateSpec
DeploymentStatus: availableReplicas=i collisionCount=i conditions=(type;type)@DeploymentCondition
  observedGeneration=i readyReplicas=i replicas=i terminatingReplicas=i unavailableReplicas=i
  updatedReplicas=i
DeploymentStrategy: rollingUpdate=@RollingUpdateDeployment type=s<Recreate|RollingUpdate>
ReplicaSet: apiVersion=s kind=s metadata=@ObjectMeta spec=@ReplicaSetSpec status=@ReplicaSetStatus
ReplicaSetCondition: lastTransitionTime=t message=s reason=s status=s type=s
ReplicaSetSpec: minReadySeconds=i replicas=i selector=@LabelSelector template=@PodTemplateSpec
ReplicaSetStatus: availableReplicas=i conditions=(type;type)@ReplicaSetCondition
  fullyLabeledReplicas=i observedGeneration=i readyReplicas=i replicas=i terminatingReplicas=i
RollingUpdateDaemonSet: maxSurge=x maxUnavailable=x
RollingUpdateDeployment: maxSurge=x maxUnavailable=x
RollingUpdateStatefulSetStrategy: maxUnavailable=x partition=i
StatefulSet: apiVersion=s kind=s metadata=@ObjectMeta spec=@StatefulSetSpec
  status=@StatefulSetStatus
StatefulSetCondition: lastTransitionTime=t message=s reason=s status=s type=s
StatefulSetOrdinals: start=i
StatefulSetPersistentVolumeClaimRetentionPolicy: whenDeleted=s whenScaled=s
StatefulSetSpec: minReadySeconds=i ordinals=@StatefulSetOrdinals
  persistentVolumeClaimRetentionPolicy=@StatefulSetPersistentVolumeClaimRetentionPolicy
  podManagementPolicy=s<OrderedReady|Parallel> replicas=i revisionHistoryLimit=i
  selector=@LabelSelector serviceName=s template=@PodTemplateSpec
  updateStrategy=@StatefulSetUpdateStrategy volumeClaimTemplates=[@PersistentVolumeClaim
StatefulSetStatus: availableReplicas=i collisionCount=i
  conditions=(type;type)@StatefulSetCondition currentReplicas=i currentRevision=s
  observedGeneration=i readyReplicas=i replicas=i updateRevision=s updatedReplicas=i
StatefulSetUpdateStrategy: rollingUpdate=@RollingUpdateStatefulSetStrategy
  type=s<OnDelete|RollingUpdate>
ContainerResourceMetricSource: container=s name=s target=@MetricTarget
ContainerResourceMetricStatus: container=s current=@MetricValueStatus name=s
CrossVersionObjectReference.autoscaling.v2: apiVersion=s kind=s name=s
ExternalMetricSource: metric=@MetricIdentifier target=@MetricTarget
ExternalMetricStatus: current=@MetricValueStatus metric=@MetricIdentifier
HPAScalingPolicy: periodSeconds=i type=s value=i
HPAScalingRules: policies=[@HPAScalingPolicy selectPolicy=s stabilizationWindowSeconds=i
  tolerance=q
HorizontalPodAutoscaler.autoscaling.v2: apiVersion=s kind=s metadata=@ObjectMeta
  spec=@HorizontalPodAutoscalerSpec.autoscaling.v2
  status=@HorizontalPodAutoscalerStatus.autoscaling.v2
HorizontalPodAutoscalerBehavior: scaleDown=@HPAScalingRules scaleUp=@HPAScalingRules
HorizontalPodAutoscalerCondition: lastTransitionTime=t message=s reason=s status=s type=s
HorizontalPodAutoscalerSpec.autoscaling.v2: behavior=@HorizontalPodAutoscalerBehavior
  maxReplicas=i metrics=[@MetricSpec minReplicas=i
  scaleTargetRef=@CrossVersionObjectReference.autoscaling.v2
HorizontalPodAutoscalerStatus.autoscaling.v2:
  conditions=(type;type)@HorizontalPodAutoscalerCondition currentMetrics=[@MetricStatus
  currentReplicas=i desiredReplicas=i lastScaleTime=t observedGeneration=i
MetricIdentifier: name=s selector=@LabelSelector
MetricSpec: containerResource=@ContainerResourceMetricSource external=@ExternalMetricSource
  object=@ObjectMetricSource pods=@PodsMetricSource resource=@ResourceMetricSource type=s
MetricStatus: containerResource=@ContainerResourceMetricStatus external=@ExternalMetricStatus
  object=@ObjectMetricStatus pods=@PodsMetricStatus resource=@ResourceMetricStatus type=s
MetricTarget: averageUtilization=i averageValue=q type=s value=q
MetricValueStatus: averageUtilization=i averageValue=q value=q
ObjectMetricSource: describedObject=@CrossVersionObjectReference.autoscaling.v2
  metric=@MetricIdentifier target=@MetricTarget
ObjectMetricStatus: current=@MetricValueStatus
  describedObject=@CrossVersionObjectReference.autoscaling.v2 metric=@MetricIdentifier
PodsMetricSource: metric=@MetricIdentifier target=@MetricTarget
PodsMetricStatus: current=@MetricValueStatus metric=@MetricIdentifier
ResourceMetricSource: name=s target=@MetricTarget
ResourceMetricStatus: current=@MetricValueStatus name=s
Scale: apiVersion=s kind=s metadata=@ObjectMeta spec=@ScaleSpec status=@ScaleStatus
ScaleSpec: replicas=i
ScaleStatus: replicas=i selector=s
CronJob: apiVersion=s kind=s metadata=@ObjectMeta spec=@CronJobSpec status=@CronJobStatus
CronJobSpec: concurrencyPolicy=s<Allow|Forbid|Replace> failedJobsHistoryLimit=i
  jobTemplate=@JobTemplateSpec schedule=s startingDeadlineSeconds=i successfulJobsHistoryLimit=i
  suspend=b timeZone=s
CronJobStatus: active=[@ObjectReference lastScheduleTime=t lastSuccessfulTime=t
Job: apiVersion=s kind=s metadata=@ObjectMeta spec=@JobSpec status=@JobStatus
JobCondition: lastProbeTime=t lastTransitionTime=t message=s reason=s status=s type=s
JobSpec: activeDeadlineSeconds=i backoffLimit=i backoffLimitPerIndex=i
  completionMode=s<Indexed|NonIndexed> completions=i managedBy=s manualSelector=b
  maxFailedIndexes=i parallelism=i podFailurePolicy=@PodFailurePolicy
  podReplacementPolicy=s<Failed|TerminatingOrFailed> selector=@LabelSelector
  successPolicy=@SuccessPolicy suspend=b template=@PodTemplateSpec ttlSecondsAfterFinished=i
JobStatus: active=i completedIndexes=s completionTime=t conditions=(;type)@JobCondition failed=i
  failedIndexes=s ready=i startTime=t succeeded=i terminating=i
  uncountedTerminatedPods=@UncountedTerminatedPods
JobTemplateSpec: metadata=@ObjectMeta spec=@JobSpec
PodFailurePolicy: rules=[@PodFailurePolicyRule
PodFailurePolicyOnExitCodesRequirement: containerName=s operator=s<In|NotIn> values=%i
PodFailurePolicyOnPodConditionsPattern: status=s type=s
PodFailurePolicyRule: action=s<Count|FailIndex|FailJob|Ignore>
  onExitCodes=@PodFailurePolicyOnExitCodesRequirement
  onPodConditions=[@PodFailurePolicyOnPodConditionsPattern
SuccessPolicy: rules=[@SuccessPolicyRule
SuccessPolicyRule: succeededCount=i succeededIndexes=s
UncountedTerminatedPods: failed=%s succeeded=%s
Lease: apiVersion=s kind=s metadata=@ObjectMeta spec=@LeaseSpec
LeaseSpec: acquireTime=t holderIdentity=s leaseDurationSeconds=i leaseTransitions=i
  preferredHolder=s renewTime=t strategy=s
Endpoint: addresses=%s conditions=@EndpointConditions deprecatedTopology={s hints=@EndpointHints
  hostname=s nodeName=s targetRef=@ObjectReference zone=s
EndpointConditions: ready=b serving=b terminating=b
EndpointHints: forNodes=[@ForNode forZones=[@ForZone
EndpointPort.discovery.v1!: appProtocol=s name=s port=i protocol=s<SCTP|TCP|UDP>
EndpointSlice: addressType=s<FQDN|IPv4|IPv6> apiVersion=s endpoints=[@Endpoint kind=s
  metadata=@ObjectMeta ports=[@EndpointPort.discovery.v1
ForNode: name=s
ForZone: name=s
HTTPIngressPath: backend=@IngressBackend path=s pathType=s<Exact|ImplementationSpecific|Prefix>
HTTPIngressRuleValue: paths=[@HTTPIngressPath
IPBlock: cidr=s except=[s
Ingress: apiVersion=s kind=s metadata=@ObjectMeta spec=@IngressSpec status=@IngressStatus
IngressBackend: resource=@TypedLocalObjectReference service=@IngressServiceBackend
IngressClass: apiVersion=s kind=s metadata=@ObjectMeta spec=@IngressClassSpec
IngressClassParametersReference: apiGroup=s kind=s name=s namespace=s scope=s
IngressClassSpec: controller=s parameters=@IngressClassParametersReference
IngressLoadBalancerIngress: hostname=s ip=s ports=[@IngressPortStatus
IngressLoadBalancerStatus: ingress=[@IngressLoadBalancerIngress
IngressPortStatus: error=s port=i protocol=s<SCTP|TCP|UDP>
IngressRule: host=s http=@HTTPIngressRuleValue
IngressServiceBackend: name=s port=@ServiceBackendPort
IngressSpec: defaultBackend=@IngressBackend ingressClassName=s rules=[@IngressRule
  tls=[@IngressTLS
IngressStatus: loadBalancer=@IngressLoadBalancerStatus
IngressTLS: hosts=[s secretName=s
NetworkPolicy: apiVersion=s kind=s metadata=@ObjectMeta spec=@NetworkPolicySpec
NetworkPolicyEgressRule: ports=[@NetworkPolicyPort to=[@NetworkPolicyPeer
NetworkPolicyIngressRule: from=[@NetworkPolicyPeer ports=[@NetworkPolicyPort
NetworkPolicyPeer: ipBlock=@IPBlock namespaceSelector=@LabelSelector podSelector=@LabelSelector
NetworkPolicyPort: endPort=i port=x protocol=s<SCTP|TCP|UDP>
NetworkPolicySpec: egress=[@NetworkPolicyEgressRule ingress=[@NetworkPolicyIngressRule
  podSelector=@LabelSelector policyTypes=[s<Egress|Ingress>
ServiceBackendPort!: name=s number=i
PodDisruptionBudget: apiVersion=s kind=s metadata=@ObjectMeta spec=@PodDisruptionBudgetSpec
  status=@PodDisruptionBudgetStatus
PodDisruptionBudgetSpec: maxUnavailable=x minAvailable=x selector=@LabelSelector
  unhealthyPodEvictionPolicy=s<AlwaysAllow|IfHealthyBudget>
PodDisruptionBudgetStatus: conditions=(type;type)@Condition currentHealthy=i desiredHealthy=i
  disruptedPods={t disruptionsAllowed=i expectedPods=i observedGeneration=i
AggregationRule: clusterRoleSelectors=[@LabelSelector
ClusterRole: aggregationRule=@AggregationRule apiVersion=s kind=s metadata=@ObjectMeta
  rules=[@PolicyRule
ClusterRoleBinding: apiVersion=s kind=s metadata=@ObjectMeta roleRef=@RoleRef subjects=[@Subject
PolicyRule: apiGroups=[s nonResourceURLs=[s resourceNames=[s resources=[s verbs=[s
Role: apiVersion=s kind=s metadata=@ObjectMeta rules=[@PolicyRule
RoleBinding: apiVersion=s kind=s metadata=@ObjectMeta roleRef=@RoleRef subjects=[@Subject
RoleRef!: apiGroup=s kind=s name=s
Subject!: apiGroup=s kind=s name=s namespace=s
PriorityClass: apiVersion=s description=s globalDefault=b kind=s metadata=@ObjectMeta
  preemptionPolicy=s<Never|PreemptLowerPriority> value=i
CSIDriver: apiVersion=s kind=s metadata=@ObjectMeta spec=@CSIDriverSpec
CSIDriverSpec: attachRequired=b fsGroupPolicy=s nodeAllocatableUpdatePeriodSeconds=i
  podInfoOnMount=b preventPodSchedulingIfMissing=b requiresRepublish=b seLinuxMount=b
  serviceAccountTokenInSecrets=b storageCapacity=b tokenRequests=[@TokenRequest.storage.v1
  volumeLifecycleModes=%s
CSINode: apiVersion=s kind=s metadata=@ObjectMeta spec=@CSINodeSpec
CSINodeDriver: allocatable=@VolumeNodeResources name=s nodeID=s topologyKeys=[s
CSINodeSpec: drivers=(name;name)@CSINodeDriver
StorageClass: allowVolumeExpansion=b allowedTopologies=[@TopologySelectorTerm apiVersion=s kind=s
  metadata=@ObjectMeta mountOptions=[s parameters={s provisioner=s
  reclaimPolicy=s<Delete|Recycle|Retain> volumeBindingMode=s<Immediate|WaitForFirstConsumer>
TokenRequest.storage.v1: audience=s expirationSeconds=i
VolumeAttachment: apiVersion=s kind=s metadata=@ObjectMeta spec=@VolumeAttachmentSpec
  status=@VolumeAttachmentStatus
VolumeAttachmentSource: inlineVolumeSpec=@PersistentVolumeSpec persistentVolumeName=s
VolumeAttachmentSpec: attacher=s nodeName=s source=@VolumeAttachmentSource
VolumeAttachmentStatus: attachError=@VolumeError attached=b attachmentMetadata={s
  detachError=@VolumeError
VolumeError: errorCode=i message=s time=t
VolumeNodeResources: count=i
)schema";
// clang-format on

}  // namespace sluice::sandbox
