{{/*
Rules that a schema cannot say. Every rule is a template that gives lines, one per problem: what is wrong,
which key, what to write. All problems are reported together.
Usage: {{ include "agents.validate" $ }}
*/}}
{{- define "agents.validate" -}}
{{- $problems := list -}}
{{- range list "names" "env" "digests" "grpc" "namespaces" "envFrom" "checksums" "database" "comms" "volumes" "versionControl" "misc" "run" "credentials" "results" "lease" -}}
{{- range include (printf "agents.validate.%s" .) $ | splitList "\n" -}}
{{- if trim . }}{{ $problems = append $problems (trim .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\nThe values of the chart contradict each other or the cluster:\n- %s\n" (join "\n- " ($problems | uniq))) -}}
{{- end -}}
{{- end -}}

{{- define "agents.validate.names" -}}
{{- with .Values.namespaceOverride -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" .) }}
namespaceOverride {{ quote . }} is no name of a namespace: write lower-case letters, digits and `-`, at most 63 characters, or "" for the release's namespace.
{{- end }}
{{- end }}
{{- $full := include "agents.fullname" . -}}
{{- if and (include "agents.controlPlaneEnabled" .) (regexMatch "^[0-9]" $full) }}
The names of Services would begin with {{ quote $full }}, and those begin with a letter: set fullnameOverride, or give the release another name.
{{- end }}
{{- if and (not (include "agents.controlPlaneEnabled" .)) (not .Values.oneShot.enabled) }}
Nothing would be installed: set oneShot.enabled=true for a run, or controlPlane.enabled=true for the control plane.
{{- end }}
{{- end -}}

{{- define "agents.validate.env" -}}
{{- $prefix := .Values.controlPlane.envPrefix -}}
{{- $other := ternary "JANGAR" "AGENTS" (eq $prefix "AGENTS") -}}
{{- range $path, $vars := dict "env.vars" .Values.env.vars "controlPlane.env.vars" .Values.controlPlane.env.vars "controllers.env.vars" .Values.controllers.env.vars -}}
{{- range $name, $_ := $vars -}}
{{- if hasPrefix (printf "%s_" $other) $name }}
{{ $path }}.{{ $name }} is a variable of another generation of the control plane, which nobody would read: write {{ $prefix }}_… as controlPlane.envPrefix={{ $prefix }} says, or set controlPlane.envPrefix={{ $other }} for such an image.
{{- end }}
{{- if eq $name (printf "%s_AGENT_IMAGE" $prefix) }}
{{ $path }}.{{ $name }} would hide which image runs use: set runner.image.repository, tag and digest instead.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "agents.validate.digests" -}}
{{- $v := .Values -}}
{{- if $v.imagePolicy.requireDigest -}}
{{- $images := dict -}}
{{- if include "agents.controlPlaneEnabled" . -}}
{{- $_ := set $images "controlPlane.image.digest or image.digest" (include "agents.componentImage" (list . "control-plane")) -}}
{{- if $v.controllers.enabled }}{{ $_ := set $images "controllers.image.digest or image.digest" (include "agents.componentImage" (list . "controllers")) }}{{ end -}}
{{- $_ := set $images "runner.image.digest" (include "agents.runnerImage" .) -}}
{{- range $path, $vars := dict "env.vars" $v.env.vars "controlPlane.env.vars" $v.controlPlane.env.vars "controllers.env.vars" $v.controllers.env.vars -}}
{{- $name := include "agents.envName" (list $ "AGENT_RUNNER_IMAGE") -}}
{{- if hasKey $vars $name }}{{ $_ := set $images (printf "%s.%s" $path $name) (get $vars $name) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $v.oneShot.enabled }}{{ $_ := set $images "oneShot.image.digest or runner.image.digest" (include "agents.oneShot.image" .) }}{{ end -}}
{{- range $key, $image := $images -}}
{{- if not (regexMatch "@sha256:[0-9a-f]{64}$" $image) }}
imagePolicy.requireDigest is set and {{ $image }} has no digest: set {{ $key }}, as sha256:<64 hexadecimal digits>.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "agents.validate.grpc" -}}
{{- $v := .Values -}}
{{- $enabled := include "agents.envName" (list . "GRPC_ENABLED") -}}
{{- $said := get $v.controllers.env.vars $enabled | toString | lower -}}
{{- if and $v.controllers.enabled (has $said (list "1" "true" "yes" "on")) (not $v.controllers.service.enabled) }}
controllers.env.vars.{{ $enabled }} makes the controllers serve gRPC, but nobody could reach it: set controllers.service.enabled=true, or remove the variable.
{{- end }}
{{- if $v.grpc.manageEnvVar -}}
{{- $own := dict $enabled (toString $v.grpc.enabled) (include "agents.envName" (list . "GRPC_HOST")) "0.0.0.0" (include "agents.envName" (list . "GRPC_PORT")) (include "agents.text" $v.grpc.port) -}}
{{- range $path, $vars := dict "env.vars" $v.env.vars "controlPlane.env.vars" $v.controlPlane.env.vars -}}
{{- range $name, $want := $own -}}
{{- if hasKey $vars $name -}}
{{- $is := get $vars $name | toString | lower -}}
{{- if eq $name $enabled }}{{ $is = ternary "true" "false" (has $is (list "1" "true" "yes" "on")) }}{{ end -}}
{{- if ne $is $want }}
{{ $path }}.{{ $name }} is {{ get $vars $name | toString | quote }}, but grpc.* makes it {{ quote $want }}: change grpc.enabled or grpc.port, or set grpc.manageEnvVar=false to say it yourself.
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "agents.validate.namespaces" -}}
{{- $wide := .Values.rbac.clusterScoped -}}
{{- $own := include "agents.namespace" . -}}
{{- range $label := list "controller" "orchestrationController" "supportingController" -}}
{{- $c := get $.Values $label -}}
{{- if $c.enabled -}}
{{- range $c.namespaces }}
{{- if ne . (trim .) }}
{{ $label }}.namespaces has {{ quote . }}, with blanks around it: write {{ trim . | quote }}.
{{- else if and (ne . "*") (not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" .)) }}
{{ $label }}.namespaces has {{ quote . }}, which is no name of a namespace: write lower-case letters, digits and `-`, or "*" alone.
{{- end }}
{{- end }}
{{- if ne (len $c.namespaces) (len ($c.namespaces | uniq)) }}
{{ $label }}.namespaces names one namespace twice: write each once.
{{- end }}
{{- if and (has "*" $c.namespaces) (gt (len $c.namespaces) 1) }}
{{ $label }}.namespaces has "*" beside others: write ["*"] for all namespaces, or the others alone.
{{- end }}
{{- if not $wide -}}
{{- if has "*" $c.namespaces }}
{{ $label }}.namespaces is ["*"], which the roles of one namespace do not allow: set rbac.clusterScoped=true.
{{- else if gt (len $c.namespaces) 1 }}
{{ $label }}.namespaces has {{ len $c.namespaces }} namespaces, which the roles of one do not allow: set rbac.clusterScoped=true.
{{- else if and (eq (len $c.namespaces) 1) (ne (first $c.namespaces) $own) }}
{{ $label }}.namespaces is {{ first $c.namespaces | quote }}, but the roles are those of {{ quote $own }}: set rbac.clusterScoped=true, or install into that namespace.
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "agents.validate.envFrom" -}}
{{- $v := .Values -}}
{{- if $v.validation.reservedEnvKeysEnforced -}}
{{- $seen := dict -}}
{{- range $path, $refs := dict "envFromSecretRefs" $v.envFromSecretRefs "envFromConfigMapRefs" $v.envFromConfigMapRefs -}}
{{- range $ref := $refs -}}
{{- if kindIs "map" $ref -}}
{{- range $key := $ref.keys | default list -}}
{{- range include "agents.reservedEnv" $ | fromYamlArray -}}
{{- if eq $key (include "agents.envName" (list $ .)) -}}
{{- if not (or (hasKey $v.env.vars $key) (hasKey $v.controlPlane.env.vars $key) (hasKey $v.controllers.env.vars $key)) }}
{{ $path }} takes {{ $key }} from {{ $ref.name | quote }}, where nobody sees it: set it in env.vars, or validation.reservedEnvKeysEnforced=false.
{{- end }}
{{- if hasKey $seen $key }}
{{ $key }} comes from {{ get $seen $key | quote }} and from {{ $ref.name | quote }}: leave it in one of them.
{{- end }}
{{- $_ := set $seen $key $ref.name }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Names of what the control plane's pods read and the chart does not make: kind to list of names.
*/}}
{{- define "agents.rolloutInputs" -}}
{{- $v := .Values -}}
{{- $secrets := list -}}
{{- $maps := list -}}
{{- range $v.env.secrets }}{{ $secrets = append $secrets .secretName }}{{ end -}}
{{- range $v.env.config }}{{ $maps = append $maps .configMapName }}{{ end -}}
{{- range $v.envFromSecretRefs }}{{ $secrets = append $secrets (ternary . (get (ternary (dict) . (kindIs "string" .)) "name") (kindIs "string" .)) }}{{ end -}}
{{- range $v.envFromConfigMapRefs }}{{ $maps = append $maps (ternary . (get (ternary (dict) . (kindIs "string" .)) "name") (kindIs "string" .)) }}{{ end -}}
{{- if not $v.database.url }}{{ $secrets = append $secrets $v.database.secretRef.name }}{{ end -}}
{{- $secrets = concat $secrets (list $v.database.caSecret.name $v.grpc.tokenSecret.name) -}}
{{- if $v.agentComms.enabled }}{{ $secrets = append $secrets $v.agentComms.nats.userSecret.name }}{{ end -}}
{{- range concat $v.extraVolumes $v.controlPlane.extraVolumes $v.controllers.extraVolumes -}}
{{- $secrets = append $secrets (dig "secret" "secretName" "" .volume) -}}
{{- $maps = append $maps (dig "configMap" "name" "" .volume) -}}
{{- end -}}
{{- toYaml (dict "secrets" (without ($secrets | uniq) "") "configMaps" (without ($maps | uniq) "")) -}}
{{- end -}}

{{- define "agents.validate.checksums" -}}
{{- $r := .Values.rolloutChecksums -}}
{{- if $r.enabled -}}
{{- $inputs := include "agents.rolloutInputs" . | fromYaml -}}
{{- $own := ternary (include "agents.databaseSecretName" .) "" (not (empty .Values.database.url)) -}}
{{- range $kind := list "secrets" "configMaps" -}}
{{- $names := list -}}
{{- range get $r $kind -}}
{{- if has .name $names }}
rolloutChecksums.{{ $kind }} has {{ quote .name }} twice: write it once.
{{- end }}
{{- $names = append $names .name -}}
{{- if and $own (eq .name $own) }}
rolloutChecksums.{{ $kind }} has {{ quote .name }}, which the chart makes and watches by itself: remove it.
{{- end }}
{{- end }}
{{- range get $inputs $kind -}}
{{- if not (has . $names) }}
rolloutChecksums.enabled is set, and {{ $kind }} {{ quote . }}, which the pods use, has no checksum: add it to rolloutChecksums.{{ $kind }}.
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "agents.validate.database" -}}
{{- $d := .Values.database -}}
{{- if and $d.url $d.secretRef.name }}
database.url and database.secretRef.name are both set, and only one can count: keep database.secretRef.name.
{{- end }}
{{- if and $d.createSecret.enabled (not $d.url) }}
database.createSecret.enabled is set, but there is nothing to put into the Secret: set database.url.
{{- end }}
{{- end -}}

{{- define "agents.validate.comms" -}}
{{- $n := .Values.agentComms.nats -}}
{{- if and $n.userSecret.name (or $n.user $n.password) }}
agentComms.nats.userSecret.name and agentComms.nats.user or password are both set, and only one can count: keep agentComms.nats.userSecret.name.
{{- end }}
{{- if and .Values.agentComms.enabled (contains "@" $n.url) }}
agentComms.nats.url has credentials in it, which would be in the Deployment: put them into a Secret and set agentComms.nats.userSecret.name.
{{- end }}
{{- if ne (empty $n.user) (empty $n.password) }}
agentComms.nats.user and agentComms.nats.password belong together: set both, or agentComms.nats.userSecret.name.
{{- end }}
{{- end -}}

{{/*
The contract of extra volumes, for one pod: names and paths that are taken, names twice, mounts of nothing.
Usage: {{ include "agents.validate.volumesOf" (dict "where" "oneShot" "volumes" (list) "mounts" (list) "names" (list) "paths" (list)) }}
*/}}
{{- define "agents.validate.volumesOf" -}}
{{- $names := list -}}
{{- range .volumes -}}
{{- if has .name $.names }}
{{ $.where }}: {{ quote .name }} is the name of a volume of the chart's own: choose another name than {{ join ", " $.names }}.
{{- end }}
{{- if has .name $names }}
{{ $.where }}: two volumes are called {{ quote .name }}: give each a name of its own.
{{- end }}
{{- $names = append $names .name -}}
{{- end }}
{{- $paths := list -}}
{{- range .mounts -}}
{{- if has .name $.names }}
{{ $.where }}: a mount names {{ quote .name }}, a volume of the chart's own: add a volume of another name.
{{- else if not (has .name $names) }}
{{ $.where }}: a mount names the volume {{ quote .name }}, which does not exist: add it to the volumes{{ with $names }}, or name one of {{ join ", " . }}{{ end }}.
{{- end }}
{{- if regexMatch "^/(proc|sys)(/|$)" .mountPath }}
{{ $.where }}: {{ quote .mountPath }} is the kernel's: choose another mountPath.
{{- end }}
{{- if or (has (trimSuffix "/" .mountPath) $.paths) (has (trimSuffix "/" .mountPath) $paths) }}
{{ $.where }}: something is mounted at {{ quote .mountPath }} already: choose another mountPath.
{{- end }}
{{- $paths = append $paths (trimSuffix "/" .mountPath) -}}
{{- end }}
{{- end -}}

{{- define "agents.validate.volumes" -}}
{{- $v := .Values -}}
{{- $names := list "db-ca-cert" "tmp" -}}
{{- $paths := list "/tmp" "/etc/agents/ca" -}}
{{ include "agents.validate.volumesOf" (dict "where" "extraVolumes and controlPlane.extraVolumes" "volumes" (concat $v.extraVolumes $v.controlPlane.extraVolumes) "mounts" (concat $v.extraVolumeMounts $v.controlPlane.extraVolumeMounts) "names" $names "paths" $paths) }}
{{ include "agents.validate.volumesOf" (dict "where" "extraVolumes and controllers.extraVolumes" "volumes" (concat $v.extraVolumes $v.controllers.extraVolumes) "mounts" (concat $v.extraVolumeMounts $v.controllers.extraVolumeMounts) "names" $names "paths" $paths) }}
{{ include "agents.validate.volumesOf" (dict "where" "oneShot.extraVolumes" "volumes" $v.oneShot.extraVolumes "mounts" $v.oneShot.extraVolumeMounts "names" (include "agents.oneShot.reservedVolumes" . | fromYamlArray) "paths" (include "agents.oneShot.reservedPaths" . | fromYamlArray)) }}
{{- $paths = include "agents.oneShot.reservedPaths" . | fromYamlArray -}}
{{- range $v.oneShot.extraVolumeMounts }}{{ $paths = append $paths (trimSuffix "/" .mountPath) }}{{ end -}}
{{- range $v.oneShot.inputFiles -}}
{{- $file := . -}}
{{- if has .path $paths }}
oneShot.inputFiles: something is mounted at {{ quote .path }} already: choose another path.
{{- end }}
{{- range $paths -}}
{{- if hasPrefix (printf "%s/" $file.path) . }}
oneShot.inputFiles: {{ quote $file.path }} cannot be a file, because {{ quote . }} is below it: choose another path.
{{- end }}
{{- end }}
{{- if regexMatch "^/(proc|sys)/" .path }}
oneShot.inputFiles: {{ quote .path }} is the kernel's: choose another path.
{{- end }}
{{- $paths = append $paths .path -}}
{{- end }}
{{- end -}}

{{- define "agents.validate.versionControl" -}}
{{- with .Values.versionControlProvider -}}
{{- if .enabled -}}
{{- if and (eq .auth.method "token") (not .auth.token.secretRef.name) }}
versionControlProvider.auth.method is "token", but there is no token: set versionControlProvider.auth.token.secretRef.name.
{{- end }}
{{- if and (eq .auth.method "app") (not (and .auth.app.appId .auth.app.installationId .auth.app.privateKeySecretRef.name)) }}
versionControlProvider.auth.method is "app", but the app is not said: set versionControlProvider.auth.app.appId, installationId and privateKeySecretRef.name.
{{- end }}
{{- if and (eq .auth.method "app") (ne .provider "github") }}
versionControlProvider.auth.method is "app", which only GitHub has: set versionControlProvider.provider=github, or another method.
{{- end }}
{{- if and (eq .auth.method "ssh") (not .auth.ssh.privateKeySecretRef.name) }}
versionControlProvider.auth.method is "ssh", but there is no key: set versionControlProvider.auth.ssh.privateKeySecretRef.name.
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "agents.validate.misc" -}}
{{- $v := .Values -}}
{{- range $path, $a := dict "autoscaling" $v.autoscaling "controllers.autoscaling" $v.controllers.autoscaling -}}
{{- if $a.enabled -}}
{{- if gt ($a.minReplicas | int) ($a.maxReplicas | int) }}
{{ $path }}.minReplicas is more than {{ $path }}.maxReplicas: make the one smaller or the other larger.
{{- end }}
{{- if not (or $a.targetCPUUtilizationPercentage $a.targetMemoryUtilizationPercentage) }}
{{ $path }}.enabled is set, but nothing says when to scale: set {{ $path }}.targetCPUUtilizationPercentage or targetMemoryUtilizationPercentage.
{{- end }}
{{- end }}
{{- end }}
{{- if and $v.metrics.serviceMonitor.enabled (not (and $v.metrics.enabled $v.metrics.service.enabled)) }}
metrics.serviceMonitor.enabled is set, but there is nothing to scrape: set metrics.enabled=true and metrics.service.enabled=true.
{{- end }}
{{- if and (eq $v.audit.sink.type "http") (not $v.audit.sink.http.url) }}
audit.sink.type is "http", but nothing says where to: set audit.sink.http.url.
{{- end }}
{{- if and $v.podSecurityAdmission.enabled (not $v.podSecurityAdmission.createNamespace) }}
podSecurityAdmission.enabled does nothing to a namespace that the chart does not make: set podSecurityAdmission.createNamespace=true, or label the namespace yourself.
{{- end }}
{{- if and $v.resourceQuota.enabled (not $v.resourceQuota.hard) }}
resourceQuota.enabled is set, but there is no limit: set resourceQuota.hard.
{{- end }}
{{- if and $v.limitRange.enabled (not $v.limitRange.limits) }}
limitRange.enabled is set, but there is no limit: set limitRange.limits.
{{- end }}
{{- if and $v.runnerServiceAccount.rbac.create (not (include "agents.runnerServiceAccountName" .)) }}
runnerServiceAccount.rbac.create is set, but there is nobody to give the rights to: set runnerServiceAccount.create=true, or runnerServiceAccount.name.
{{- end }}
{{- end -}}

{{- define "agents.validate.run" -}}
{{- $o := .Values.oneShot -}}
{{- if $o.enabled -}}
{{- if and $o.debugMode $o.schedule }}
oneShot.debugMode and oneShot.schedule are both set, and a Pod to look around in has no schedule: keep one.
{{- end }}
{{- if and (not $o.debugMode) (not (trim $o.prompt)) }}
oneShot.prompt is empty: write what the agent is to do, for example --set oneShot.prompt="Summarise the open risks".
{{- end }}
{{- if and $o.skillName (not (regexMatch "^[A-Za-z0-9][A-Za-z0-9._:-]*$" $o.skillName)) }}
oneShot.skillName {{ quote $o.skillName }} is no name of a skill: write it without `/`, `$` and blanks.
{{- end }}
{{- if hasKey $o.parameters "prompt" }}
oneShot.parameters.prompt is taken for the prompt by nobody: set oneShot.prompt.
{{- end }}
{{- $settings := include "agents.oneShot.settings" . | fromJson -}}
{{- $try := include "agents.oneShot.trySeconds" . | int -}}
{{- $tries := add1 ($o.job.backoffLimit | int) | int -}}
{{- if le ($o.job.activeDeadlineSeconds | int) (mul $tries $try | int) }}
oneShot.job.activeDeadlineSeconds is {{ $o.job.activeDeadlineSeconds | int }}, so Kubernetes would end the run before the runner can: set more than {{ mul $tries $try }}, which is {{ $tries }} x {{ $try }} (oneShot.job.backoffLimit and one; timeoutSeconds, terminationGracePeriodSeconds and, if they are in use, git.timeoutSeconds and storeResults.timeoutSeconds).
{{- end }}
{{- range $path, $instead := dict "timeouts.total" "timeoutSeconds" "workspace.timeouts.total" "git.timeoutSeconds" "artifacts.timeout" "storeResults.timeoutSeconds" -}}
{{- $at := $o.settings -}}
{{- $there := true -}}
{{- range splitList "." $path -}}
{{- if and (kindIs "map" $at) (hasKey $at .) }}{{ $at = get $at . }}{{ else }}{{ $there = false }}{{ end -}}
{{- end -}}
{{- if $there }}
oneShot.settings.{{ $path }} would be unknown to the Job's deadline: set oneShot.{{ $instead }}.
{{- end }}
{{- end }}
{{- if and (ne $o.job.restartPolicy "Never") $o.job.podFailurePolicy.enabled }}
oneShot.job.podFailurePolicy.enabled needs oneShot.job.restartPolicy=Never, says Kubernetes: set oneShot.job.podFailurePolicy.enabled=false to have containers restarted.
{{- end }}
{{- $spec := include "agents.oneShot.specJson" . | fromJson -}}
{{- if and $o.extraArgs (not $spec.adapter.exec) }}
oneShot.extraArgs is set, but oneShot.agent={{ $o.agent }} is not talked to by arguments: use oneShot.agent=claude or codex-exec, or oneShot.adapter.
{{- end }}
{{- if and $o.git.url (not (regexMatch "^((https?|ssh|git)://[^[:space:]]+|[^-[:space:]/:@][^[:space:]/:@]*@[^[:space:]/:]+:[^[:space:]]+)$" $o.git.url)) }}
oneShot.git.url {{ quote $o.git.url }} is nothing that can be cloned: write https://host/owner/repository.git or git@host:owner/repository.git.
{{- end }}
{{- range $path, $url := dict "git.url" $o.git.url "settings.workspace.git.url" (dig "workspace" "git" "url" "" $o.settings) -}}
{{- if regexMatch "(?i)^((https?|git)://[^/?#]*@|[a-z+]+://[^/?#@]*:[^/?#]*@)" $url }}
oneShot.{{ $path }} has a user or a password in it, which would be in a ConfigMap: put it into a Secret and set oneShot.git.tokenSecret.name.
{{- end }}
{{- end }}
{{- if and (or $o.git.tokenSecret.name $o.git.sshKeySecret.name) (not $o.git.url) }}
oneShot.git.tokenSecret or sshKeySecret is set, but nothing is cloned: set oneShot.git.url.
{{- end }}
{{- if and $o.git.sshKeySecret.name (not $o.git.knownHostsConfigMap.name) (ne (dig "workspace" "hostKeys" "" $o.settings) "accept-new") }}
oneShot.git.sshKeySecret.name is set without host keys, so every host would be refused: set oneShot.git.knownHostsConfigMap.name, or oneShot.settings.workspace.hostKeys=accept-new.
{{- end }}
{{- if and $o.nats.userSecret.name (not $o.nats.url) }}
oneShot.nats.userSecret.name is set, but no server: set oneShot.nats.url.
{{- end }}
{{- if contains "@" $o.nats.url }}
oneShot.nats.url has credentials in it, which would be in the Job: put them into a Secret and set oneShot.nats.userSecret.name.
{{- end }}
{{- /* Those that the pod has, and those by which the runner would look elsewhere than Kubernetes. */}}
{{- $taken := list "AGENT_RUNNER_SPEC" "AGENT_RUNNER_STATUS_PATH" "CODEX_AUTH" -}}
{{- range include "agents.oneShot.ownEnv" . | fromYamlArray }}{{ $taken = append $taken .name }}{{ end -}}
{{- $instead := dict "AGENT_RUNNER_TERMINATION_GRACE_SECONDS" "terminationGracePeriodSeconds" "AGENT_RUNNER_TIMEOUTS_TOTAL" "timeoutSeconds" "AGENT_RUNNER_WORKSPACE_TIMEOUTS_TOTAL" "git.timeoutSeconds" "AGENT_RUNNER_ARTIFACTS_TIMEOUT" "storeResults.timeoutSeconds" -}}
{{- $names := list -}}
{{- range $o.extraEnv -}}
{{- if hasKey $instead .name }}
oneShot.extraEnv has {{ .name }}, which has a value of its own: remove it, and set oneShot.{{ get $instead .name }}.
{{- else if has .name $taken }}
oneShot.extraEnv has {{ .name }}, which the chart sets: remove it.
{{- end }}
{{- if has .name $names }}
oneShot.extraEnv has {{ .name }} twice: keep one.
{{- end }}
{{- $names = append $names .name -}}
{{- end }}
{{- $bytes := add (len (include "agents.oneShot.specJson" .)) (len (include "agents.oneShot.runJson" (dict "root" . "run" ""))) -}}
{{- if gt ($bytes | int) 1000000 }}
oneShot.prompt is so long that the ConfigMap would be larger than Kubernetes allows, 1 MiB: put the text into a file of the repository or a volume, and say where.
{{- end }}
{{- $bytes = 0 -}}
{{- range $o.inputFiles }}{{ $bytes = add $bytes (len .content) }}{{ end -}}
{{- if gt ($bytes | int) 1000000 }}
oneShot.inputFiles has {{ $bytes }} bytes together, and the ConfigMap would be larger than Kubernetes allows, 1 MiB: put them into a repository or a volume.
{{- end }}
{{- if gt (len $o.systemPrompt) 16384 }}
oneShot.systemPrompt has {{ len $o.systemPrompt }} bytes, and may have 16384: make it shorter.
{{- end }}
{{- if and $o.clickhouse.enabled $o.clickhouse.tls.enabled (ne (empty $o.clickhouse.tls.cert) (empty $o.clickhouse.tls.key)) }}
oneShot.clickhouse.tls.cert and oneShot.clickhouse.tls.key belong together: set both or none.
{{- end }}
{{- end }}
{{- end -}}

{{- define "agents.validate.credentials" -}}
{{- $o := .Values.oneShot -}}
{{- $c := $o.credentials -}}
{{- if $o.enabled -}}
{{- if and $c.create $c.existingSecretName }}
oneShot.credentials.create and oneShot.credentials.existingSecretName are both set: set oneShot.credentials.create=false to use the Secret that is there.
{{- end }}
{{- if and (not $c.create) (or $c.claudeCredentials $c.codexAuth) }}
oneShot.credentials.claudeCredentials or codexAuth is given, but oneShot.credentials.create=false makes no Secret of it: set oneShot.credentials.create=true, or remove it.
{{- end }}
{{- if and (not $c.create) (not $c.existingSecretName) (or $o.clickhouse.enabled (ne $o.agent "fake")) (or $o.clickhouse.enabled (not (or $c.apiKey.secretName $o.extraEnv $o.extraEnvFrom))) }}
oneShot.credentials.create=false needs a Secret that is there: set oneShot.credentials.existingSecretName.
{{- end }}
{{- range $key, $content := dict "claudeCredentials" $c.claudeCredentials "codexAuth" $c.codexAuth -}}
{{- if and $content (or (not (kindIs "map" (fromJson $content))) (hasKey (fromJson $content) "Error")) }}
oneShot.credentials.{{ $key }} is not the content of a JSON file: give it by --set-file oneShot.credentials.{{ $key }}=<path>.
{{- end }}
{{- end }}
{{- if and $c.create (not $o.debugMode) (ne $o.agent "fake") (not (or (include "agents.oneShot.authKey" .) $c.apiKey.secretName $o.extraEnv $o.extraEnvFrom)) }}
oneShot.agent={{ $o.agent }} has no credentials: give --set-file oneShot.credentials.{{ ternary "claudeCredentials=~/.claude/.credentials.json" "codexAuth=~/.codex/auth.json" (eq $o.agent "claude") }}, or set oneShot.credentials.apiKey.secretName, or oneShot.credentials.create=false with oneShot.credentials.existingSecretName.
{{- end }}
{{- end }}
{{- end -}}

{{- define "agents.validate.results" -}}
{{- $o := .Values.oneShot -}}
{{- $s := $o.storeResults -}}
{{- if $o.enabled -}}
{{- range $path, $url := dict "storeResults.s3Endpoint" $s.s3Endpoint "settings.artifacts.endpoint" (dig "artifacts" "endpoint" "" $o.settings) -}}
{{- if regexMatch "^[^/]*(//[^/?#]*)?@" $url }}
oneShot.{{ $path }} has credentials in it, which would be in a ConfigMap: put them into a Secret and set oneShot.storeResults.existingSecret.name.
{{- end }}
{{- end }}
{{- end }}
{{- if and $o.enabled (not $s.enabled) (not (or $o.extraEnv $o.extraEnvFrom $o.settings.artifacts)) -}}
{{- range $o.outputArtifacts -}}
{{- if .key }}
oneShot.outputArtifacts has {{ quote .name }} with a key, but nowhere to store it, so a run that succeeds would fail: set oneShot.storeResults.enabled=true, or remove the key.
{{- end }}
{{- end }}
{{- end }}
{{- if and $o.enabled $s.enabled -}}
{{- if and (has "workspace-wip" $s.include) (not $o.git.url) }}
oneShot.storeResults.include has "workspace-wip", which is what was not pushed of a repository, but nothing is cloned: set oneShot.git.url, or remove it.
{{- end }}
{{- if not $s.s3Bucket }}
oneShot.storeResults.enabled is set, but there is no bucket: set oneShot.storeResults.s3Bucket.
{{- end }}
{{- if ne (empty $s.awsAccessKeyId) (empty $s.awsSecretAccessKey) }}
oneShot.storeResults.awsAccessKeyId and awsSecretAccessKey belong together: set both, or oneShot.storeResults.existingSecret.name.
{{- end }}
{{- if gt (len (without (list $s.iamRoleArn $s.awsAccessKeyId $s.existingSecret.name) "")) 1 }}
oneShot.storeResults has more than one of iamRoleArn, awsAccessKeyId and existingSecret.name: keep one.
{{- end }}
{{- if and $s.iamRoleArn (not $o.serviceAccount.create) }}
oneShot.storeResults.iamRoleArn is an annotation of a ServiceAccount that the chart makes: set oneShot.serviceAccount.create=true; or annotate one yourself, and set oneShot.serviceAccount.name alone.
{{- end }}
{{- if not (or $s.iamRoleArn $s.awsAccessKeyId $s.existingSecret.name $o.serviceAccount.name $o.extraEnv $o.extraEnvFrom (hasPrefix "file://" $s.s3Endpoint)) }}
oneShot.storeResults has nobody to store as: set oneShot.storeResults.iamRoleArn, oneShot.storeResults.existingSecret.name, or oneShot.serviceAccount.name of a ServiceAccount with a role.
{{- end }}
{{- end }}
{{- end -}}

{{- define "agents.validate.lease" -}}
{{- $l := .Values.controller.leaderElection -}}
{{- $own := include "agents.namespace" . -}}
{{- if and (include "agents.controlPlaneEnabled" .) $l.enabled .Values.rbac.create (not .Values.rbac.clusterScoped) (ne ($l.leaseNamespace | default $own) $own) }}
controller.leaderElection.leaseNamespace is {{ quote $l.leaseNamespace }}, but the roles are those of {{ quote $own }}, so nobody could lead: leave it empty, or set rbac.clusterScoped=true.
{{- end }}
{{- end -}}
