{{/*
A variable of the control plane by the part of its name that does not depend on the generation of the
image: `AGENTS_` now; of the image `jangar`, which charts up to 0.9.1 had, `JANGAR_` and, for settings of the
controller, `JANGAR_AGENTS_`.
Usage: {{ include "agents.envName" (list $ "CONTROLLER_ENABLED") }}
*/}}
{{- define "agents.envName" -}}
{{- $prefix := (index . 0).Values.controlPlane.envPrefix -}}
{{- $name := index . 1 -}}
{{- if and (eq $prefix "JANGAR") (hasPrefix "CONTROLLER_" $name) -}}
JANGAR_AGENTS_{{ $name }}
{{- else -}}
{{ $prefix }}_{{ $name }}
{{- end -}}
{{- end -}}

{{/*
Parts of the names of variables that decide what a deployment is. Those of `env.vars` are the control
plane's: the controllers get theirs from `controllers.env.vars`, or the defaults below.
Usage: {{ include "agents.reservedEnv" $ | fromYamlArray }}
*/}}
{{- define "agents.reservedEnv" -}}
[GRPC_ENABLED, GRPC_HOST, GRPC_PORT, MIGRATIONS, CONTROL_PLANE_CACHE_ENABLED, AGENTRUN_IDEMPOTENCY_ENABLED,
AGENTRUN_IDEMPOTENCY_RETENTION_DAYS, AGENTRUN_ARTIFACTS_MAX, AGENTRUN_ARTIFACTS_STRICT]
{{- end -}}

{{/*
Variables that every replica of both deployments has: name without prefix to value.
*/}}
{{- define "agents.env.shared" -}}
{{- $v := .Values -}}
{{- $native := mergeOverwrite (deepCopy $v.workflowRuntime) (dict) -}}
{{- $old := $native.native | default dict -}}
{{- $new := $v.agentRuntime.native -}}
{{- $w := $v.controller.defaultWorkload -}}
{{- $e := dict -}}
{{- $_ := set $e "CODEX_RERUN_ORCHESTRATION" ($new.rerunOrchestration | default $old.rerunOrchestration) -}}
{{- $_ := set $e "CODEX_RERUN_ORCHESTRATION_NAMESPACE" ($new.rerunOrchestrationNamespace | default $old.rerunOrchestrationNamespace) -}}
{{- $_ := set $e "SYSTEM_IMPROVEMENT_ORCHESTRATION" ($new.systemImprovementOrchestration | default $old.systemImprovementOrchestration) -}}
{{- $_ := set $e "SYSTEM_IMPROVEMENT_ORCHESTRATION_NAMESPACE" ($new.systemImprovementOrchestrationNamespace | default $old.systemImprovementOrchestrationNamespace) -}}
{{- $_ := set $e "AGENT_RUNNER_IMAGE" (include "agents.runnerImage" .) -}}
{{- $_ := set $e "AGENT_IMAGE" $v.runtime.agentImage -}}
{{- $_ := set $e "SCHEDULE_RUNNER_IMAGE" $v.runtime.scheduleRunnerImage -}}
{{- $_ := set $e "SCHEDULE_SERVICE_ACCOUNT" $v.runtime.scheduleServiceAccount -}}
{{- if ne $v.audit.sink.type "none" -}}
{{- $_ := set $e "AUDIT_SINK_TYPE" $v.audit.sink.type -}}
{{- end -}}
{{- if eq $v.audit.sink.type "http" -}}
{{- $_ := set $e "AUDIT_SINK_HTTP_URL" $v.audit.sink.http.url -}}
{{- $_ := set $e "AUDIT_SINK_HTTP_TIMEOUT_MS" $v.audit.sink.http.timeoutMs -}}
{{- with $v.audit.sink.http.headers }}{{ $_ := set $e "AUDIT_SINK_HTTP_HEADERS_JSON" (toJson .) }}{{ end -}}
{{- end -}}
{{- $_ := set $e "CORS_ALLOWED_ORIGINS" (join "," $v.cors.allowedOrigins) -}}
{{- $ttl := $v.controller.jobTtlSeconds -}}
{{- if not (kindIs "invalid" $v.controller.jobTtlSecondsAfterFinished) }}{{ $ttl = $v.controller.jobTtlSecondsAfterFinished }}{{ end -}}
{{- $_ := set $e "AGENT_RUNNER_JOB_TTL_SECONDS" $ttl -}}
{{- $_ := set $e "AGENT_RUNNER_LOG_RETENTION_SECONDS" $v.controller.logRetentionSeconds -}}
{{- $_ := set $e "SERVICE_ACCOUNT_NAME" (include "agents.serviceAccountName" .) -}}
{{- $default := ternary (include "agents.runnerServiceAccountName" .) "" $v.runnerServiceAccount.setAsDefault -}}
{{- $_ := set $e "AGENT_RUNNER_SERVICE_ACCOUNT" ($w.serviceAccountName | default $default) -}}
{{- range $name, $value := dict "NODE_SELECTOR" $w.nodeSelector "TOLERATIONS" $w.tolerations "TOPOLOGY_SPREAD_CONSTRAINTS" $w.topologySpreadConstraints "AFFINITY" $w.affinity "POD_SECURITY_CONTEXT" $w.podSecurityContext "RESOURCES" $w.resources "IMAGE_PULL_SECRETS" ($w.imagePullSecrets | default $v.runner.image.pullSecrets) -}}
{{- if $value }}{{ $_ := set $e (printf "AGENT_RUNNER_%s" $name) (toJson $value) }}{{ end -}}
{{- end -}}
{{- $_ := set $e "AGENT_RUNNER_PRIORITY_CLASS" $w.priorityClassName -}}
{{- $_ := set $e "AGENT_RUNNER_SCHEDULER_NAME" $w.schedulerName -}}
{{- $l := $v.controller.leaderElection -}}
{{- $_ := set $e "LEADER_ELECTION_ENABLED" $l.enabled -}}
{{- $_ := set $e "LEADER_ELECTION_LEASE_NAME" $l.leaseName -}}
{{- $_ := set $e "LEADER_ELECTION_LEASE_NAMESPACE" ($l.leaseNamespace | default (include "agents.namespace" .)) -}}
{{- $_ := set $e "LEADER_ELECTION_LEASE_DURATION_SECONDS" $l.leaseDurationSeconds -}}
{{- $_ := set $e "LEADER_ELECTION_RENEW_DEADLINE_SECONDS" $l.renewDeadlineSeconds -}}
{{- $_ := set $e "LEADER_ELECTION_RETRY_PERIOD_SECONDS" $l.retryPeriodSeconds -}}
{{- $_ := set $e "RBAC_CLUSTER_SCOPED" $v.rbac.clusterScoped -}}
{{- $_ := set $e "PRIMITIVES_NAMESPACES" (include "agents.namespaces" (list . $v.controller.namespaces)) -}}
{{- $_ := set $e "SWARM_PRIMITIVE_ENABLED" $v.swarm.enabled -}}
{{- $_ := set $e "AGENTRUN_ARTIFACTS_MAX" $v.controller.agentRunArtifacts.max -}}
{{- $_ := set $e "AGENTRUN_ARTIFACTS_STRICT" $v.controller.agentRunArtifacts.strict -}}
{{- toYaml $e -}}
{{- end -}}

{{/*
Variables of the replicas in which the controllers work.
*/}}
{{- define "agents.env.controller" -}}
{{- $c := .Values.controller -}}
{{- $e := dict "CONTROLLER_ENABLED" "1" -}}
{{- $_ := set $e "CONTROLLER_NAMESPACES" (include "agents.namespaces" (list . $c.namespaces)) -}}
{{- $_ := set $e "CONTROLLER_CONCURRENCY_NAMESPACE" $c.concurrency.perNamespace -}}
{{- $_ := set $e "CONTROLLER_CONCURRENCY_AGENT" $c.concurrency.perAgent -}}
{{- $_ := set $e "CONTROLLER_CONCURRENCY_CLUSTER" $c.concurrency.cluster -}}
{{- $_ := set $e "CONTROLLER_REPO_CONCURRENCY_ENABLED" $c.repoConcurrency.enabled -}}
{{- $_ := set $e "CONTROLLER_REPO_CONCURRENCY_DEFAULT" $c.repoConcurrency.default -}}
{{- $_ := set $e "CONTROLLER_REPO_CONCURRENCY_OVERRIDES" (toJson $c.repoConcurrency.overrides) -}}
{{- $_ := set $e "CONTROLLER_QUEUE_NAMESPACE" $c.queue.perNamespace -}}
{{- $_ := set $e "CONTROLLER_QUEUE_REPO" $c.queue.perRepo -}}
{{- $_ := set $e "CONTROLLER_QUEUE_CLUSTER" $c.queue.cluster -}}
{{- $_ := set $e "CONTROLLER_RATE_WINDOW_SECONDS" $c.rate.windowSeconds -}}
{{- $_ := set $e "CONTROLLER_RATE_NAMESPACE" $c.rate.perNamespace -}}
{{- $_ := set $e "CONTROLLER_RATE_REPO" $c.rate.perRepo -}}
{{- $_ := set $e "CONTROLLER_RATE_CLUSTER" $c.rate.cluster -}}
{{- $_ := set $e "IMPLEMENTATION_SOURCE_WEBHOOK_QUEUE_SIZE" $c.webhook.queueSize -}}
{{- $_ := set $e "IMPLEMENTATION_SOURCE_WEBHOOK_RETRY_BASE_DELAY_SECONDS" $c.webhook.retry.baseDelaySeconds -}}
{{- $_ := set $e "IMPLEMENTATION_SOURCE_WEBHOOK_RETRY_MAX_DELAY_SECONDS" $c.webhook.retry.maxDelaySeconds -}}
{{- $_ := set $e "IMPLEMENTATION_SOURCE_WEBHOOK_RETRY_MAX_ATTEMPTS" $c.webhook.retry.maxAttempts -}}
{{- $_ := set $e "CONTROLLER_AGENTRUN_RETENTION_SECONDS" $c.agentRunRetentionSeconds -}}
{{- $_ := set $e "CONTROLLER_RUNTIME_DEBRIS_CLEANUP_MODE" $c.runtimeDebrisCleanup.mode -}}
{{- $_ := set $e "CONTROLLER_ORPHAN_POD_RETENTION_SECONDS" $c.runtimeDebrisCleanup.orphanPodRetentionSeconds -}}
{{- $_ := set $e "CONTROLLER_RUNTIME_DEBRIS_MAX_DELETES_PER_SWEEP" $c.runtimeDebrisCleanup.maxDeletesPerSweep -}}
{{- $_ := set $e "CONTROLLER_VCS_PROVIDERS_ENABLED" $c.vcsProviders.enabled -}}
{{- range $name, $value := dict "LABELS_REQUIRED" $c.admissionPolicy.labels.required "LABELS_ALLOWED" $c.admissionPolicy.labels.allowed "LABELS_DENIED" $c.admissionPolicy.labels.denied "IMAGES_ALLOWED" $c.admissionPolicy.images.allowed "IMAGES_DENIED" $c.admissionPolicy.images.denied "BLOCKED_SECRETS" $c.admissionPolicy.secrets.blocked "VCS_DEPRECATED_TOKEN_TYPES" $c.vcsProviders.deprecatedTokenTypes "VCS_PR_RATE_LIMITS" $c.vcsProviders.prRateLimits -}}
{{- if $value }}{{ $_ := set $e (printf "CONTROLLER_%s" $name) (toJson $value) }}{{ end -}}
{{- end -}}
{{- if $c.authSecret.name -}}
{{- $_ := set $e "CONTROLLER_AUTH_SECRET_NAME" $c.authSecret.name -}}
{{- $_ := set $e "CONTROLLER_AUTH_SECRET_KEY" $c.authSecret.key -}}
{{- $_ := set $e "CONTROLLER_AUTH_SECRET_MOUNT_PATH" $c.authSecret.mountPath -}}
{{- end -}}
{{- toYaml $e -}}
{{- end -}}

{{/*
All variables of a component that the chart derives and that have a value: full name to value.
Usage: {{ include "agents.env.derived" (list $ "controllers") | fromYaml }}
*/}}
{{- define "agents.env.derived" -}}
{{- $root := index . 0 -}}
{{- $v := $root.Values -}}
{{- $own := eq (index . 1) "controllers" -}}
{{- $works := or $own (not $v.controllers.enabled) -}}
{{- $e := include "agents.env.shared" $root | fromYaml -}}
{{- $image := include "agents.componentImage" . -}}
{{- $_ := set $e "IMAGE" $image -}}
{{- $_ := set $e "RUNTIME_IMAGE" $image -}}
{{- $_ := set $e "GITOPS_REVISION" (include "agents.componentTag" .) -}}
{{- $_ := set $e "SERVER_PROFILE" (ternary "agents-controllers" "agents-control-plane" $own) -}}
{{- if $own -}}
{{- $_ := set $e "MIGRATIONS" "skip" -}}
{{- $_ := set $e "GRPC_ENABLED" (ternary "1" "0" $v.controllers.service.enabled) -}}
{{- $_ := set $e "GRPC_HOST" "0.0.0.0" -}}
{{- $_ := set $e "GRPC_PORT" $v.grpc.port -}}
{{- $_ := set $e "CONTROL_PLANE_CACHE_ENABLED" "0" -}}
{{- $_ := set $e "AGENTRUN_IDEMPOTENCY_ENABLED" "true" -}}
{{- $_ := set $e "AGENTRUN_IDEMPOTENCY_RETENTION_DAYS" "30" -}}
{{- else -}}
{{- $_ := set $e "MIGRATIONS" $v.database.migrations -}}
{{- if $v.grpc.manageEnvVar -}}
{{- $_ := set $e "GRPC_ENABLED" $v.grpc.enabled -}}
{{- $_ := set $e "GRPC_HOST" "0.0.0.0" -}}
{{- $_ := set $e "GRPC_PORT" $v.grpc.port -}}
{{- end -}}
{{- if $v.controllers.enabled }}{{ $_ := set $e "PRIMITIVES_RECONCILER" "0" }}{{ end -}}
{{- end -}}
{{- $_ := set $e "PROMETHEUS_METRICS_ENABLED" $v.metrics.enabled -}}
{{- $_ := set $e "PROMETHEUS_METRICS_PATH" $v.metrics.path -}}
{{- $_ := set $e "CONTROLLER_ENABLED" "0" -}}
{{- if and $works $v.controller.enabled }}{{ $e = mergeOverwrite $e (include "agents.env.controller" $root | fromYaml) }}{{ end -}}
{{- range $name, $c := dict "ORCHESTRATION" $v.orchestrationController "SUPPORTING" $v.supportingController -}}
{{- $on := and $works $c.enabled -}}
{{- $_ := set $e (printf "%s_CONTROLLER_ENABLED" $name) (ternary "1" "0" $on) -}}
{{- if $on }}{{ $_ := set $e (printf "%s_CONTROLLER_NAMESPACES" $name) (include "agents.namespaces" (list $root $c.namespaces)) }}{{ end -}}
{{- end -}}
{{- $_ := set $e "AGENT_COMMS_SUBSCRIBER_DISABLED" (not (and $works $v.agentComms.enabled)) -}}
{{- if and $works $v.agentComms.enabled }}{{ $_ := set $e "AGENT_COMMS_SUBJECTS" (join "," $v.agentComms.subjects) }}{{ end -}}
{{- $named := dict "LOG_LEVEL" $v.logging.level -}}
{{- range $name, $value := $e }}{{ $_ := set $named (include "agents.envName" (list $root $name)) $value }}{{ end -}}
{{- if $v.agentComms.enabled }}{{ $_ := set $named "NATS_URL" $v.agentComms.nats.url }}{{ end -}}
{{- $_ := set $named "KUBERNETES_SERVICE_HOST" $v.kubernetesApi.host -}}
{{- $_ := set $named "KUBERNETES_SERVICE_PORT" $v.kubernetesApi.port -}}
{{- if $v.database.caSecret.name }}{{ $_ := set $named "PGSSLROOTCERT" (printf "/etc/agents/ca/%s" $v.database.caSecret.key) }}{{ end -}}
{{- $said := dict -}}
{{- range $name, $value := $named -}}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) }}{{ $_ := set $said $name (include "agents.text" $value) }}{{ end -}}
{{- end -}}
{{- toYaml $said -}}
{{- end -}}

{{/*
A scalar as a variable says it: whole numbers without an exponent, which is how YAML's large ones come.
Usage: {{ include "agents.text" 2592000 }}
*/}}
{{- define "agents.text" -}}
{{- if kindIs "float64" . }}{{ if eq . (floor .) }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end }}{{ else }}{{ toString . }}{{ end -}}
{{- end -}}

{{/*
The list `env` of a component: what is derived, over it `env.vars` and the component's own, then what
comes from Secrets, ConfigMaps and the pod, and last `env.extra`. No name appears twice, but for `extra`.
Usage: {{ include "agents.env" (list $ "controllers") }}
*/}}
{{- define "agents.env" -}}
{{- $root := index . 0 -}}
{{- $v := $root.Values -}}
{{- $own := eq (index . 1) "controllers" -}}
{{- $vars := include "agents.env.derived" . | fromYaml -}}
{{- $shared := deepCopy $v.env.vars -}}
{{- if $own }}{{ range include "agents.reservedEnv" $root | fromYamlArray }}{{ $_ := unset $shared (include "agents.envName" (list $root .)) }}{{ end }}{{ end -}}
{{- $vars = mergeOverwrite $vars $shared (deepCopy (ternary $v.controllers.env.vars $v.controlPlane.env.vars $own)) -}}
{{- $refs := list -}}
{{- if or $v.database.url $v.database.secretRef.name -}}
{{- $refs = append $refs (dict "name" "DATABASE_URL" "secret" (include "agents.databaseSecretName" $root) "key" (ternary "url" $v.database.secretRef.key (not (empty $v.database.url)))) -}}
{{- end -}}
{{- $nats := $v.agentComms.nats -}}
{{- if and $v.agentComms.enabled (or $nats.userSecret.name $nats.user) -}}
{{- $name := $nats.userSecret.name | default (printf "%s-nats" (include "agents.fullname" $root)) -}}
{{- $refs = append $refs (dict "name" "NATS_USER" "secret" $name "key" $nats.userSecret.usernameKey) -}}
{{- $refs = append $refs (dict "name" "NATS_PASSWORD" "secret" $name "key" $nats.userSecret.passwordKey) -}}
{{- end -}}
{{- if $v.grpc.tokenSecret.name -}}
{{- $refs = append $refs (dict "name" (include "agents.envName" (list $root "GRPC_TOKEN")) "secret" $v.grpc.tokenSecret.name "key" $v.grpc.tokenSecret.key) -}}
{{- end -}}
{{- range $v.env.secrets }}{{ $refs = append $refs (dict "name" .name "secret" .secretName "key" (.key | default "value")) }}{{ end -}}
{{- range $ref := $refs }}{{ $_ := unset $vars $ref.name }}{{ end -}}
{{- range $v.env.config }}{{ $_ := unset $vars .name }}{{ end -}}
{{- range $name := keys $vars | sortAlpha }}
- name: {{ $name | quote }}
  value: {{ include "agents.text" (get $vars $name) | quote }}
{{- end }}
- name: {{ include "agents.envName" (list $root "POD_NAMESPACE") }}
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: {{ include "agents.envName" (list $root "POD_UID") }}
  valueFrom:
    fieldRef:
      fieldPath: metadata.uid
{{- range $refs }}
- name: {{ .name | quote }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret | quote }}
      key: {{ .key | quote }}
{{- end }}
{{- range $v.env.config }}
- name: {{ .name | quote }}
  valueFrom:
    configMapKeyRef:
      name: {{ .configMapName | quote }}
      key: {{ .key | default .name | quote }}
{{- end }}
{{- with $v.env.extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
Secret with the connection URL of the database; empty if there is none.
Usage: {{ include "agents.databaseSecretName" $ }}
*/}}
{{- define "agents.databaseSecretName" -}}
{{- $d := .Values.database -}}
{{- if $d.url }}{{ $d.createSecret.name | default (printf "%s-database" (include "agents.fullname" .)) }}{{ else }}{{ $d.secretRef.name }}{{ end -}}
{{- end -}}
