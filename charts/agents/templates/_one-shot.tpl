{{/*
Exit codes of the runner after which the same run may well succeed later: the column `retryable` of the
table in docs/reference.md. Every other code, the agent's own included, is final.
*/}}
{{- define "agents.oneShot.retryableCodes" -}}
[69, 70, 74, 75, 81, 82, 130, 137, 143]
{{- end -}}

{{/*
Paths in runner pods that are taken: by mounts, and by what the image and the runtime have there.
*/}}
{{- define "agents.oneShot.reservedPaths" -}}
[/workspace, /workspace/.agent, /workspace/.agent/status.json, /workspace/run.json, /workspace/agent-runner.json, /workspace/repo, /tmp, /home/agent,
/home/agent/.claude, /home/agent/.claude/.credentials.json, /home/agent/.codex, /home/agent/.codex/auth.json,
/etc/clickhouse-client, /etc/altinity-mcp, /var/run/secrets/agents/vcs/ssh, /var/run/secrets/agents/vcs/known-hosts,
/dev, /usr, /usr/local, /usr/local/bin, /usr/local/bin/agent-runner]
{{- end -}}

{{/*
Names of volumes of runner pods that are taken.
*/}}
{{- define "agents.oneShot.reservedVolumes" -}}
[run-spec, run-inputs, workspace, run-state, work, home, agent-home, tmp, credentials, clickhouse-client, altinity-mcp, vcs-ssh, vcs-known-hosts]
{{- end -}}

{{/*
Provider definition of the agent.
Usage: {{ include "agents.oneShot.provider" $ | fromYaml }}
*/}}
{{- define "agents.oneShot.provider" -}}
{{- .Files.Get (printf "files/providers/%s.yaml" .Values.oneShot.agent) -}}
{{- end -}}

{{/*
Parameters of the run; the model is one, which is what the provider definitions read.
Usage: {{ include "agents.oneShot.inputs" $ | fromJson }}
*/}}
{{- define "agents.oneShot.inputs" -}}
{{- $o := .Values.oneShot -}}
{{- toJson (mergeOverwrite (deepCopy $o.parameters) (ternary (dict "model" $o.model) (dict) (not (empty $o.model)))) -}}
{{- end -}}

{{/*
Artifacts that the run declares: those of the provider definition and of the values.
*/}}
{{- define "agents.oneShot.artifacts" -}}
{{- $provider := include "agents.oneShot.provider" . | fromYaml -}}
{{- toJson (concat ($provider.spec.outputArtifacts | default list) .Values.oneShot.outputArtifacts) -}}
{{- end -}}

{{/*
The settings of the runner that the chart makes of its values, and `settings` over them; a checkout and an upload that
they ask for have an end.
*/}}
{{- define "agents.oneShot.settings" -}}
{{- $o := .Values.oneShot -}}
{{- $s := dict "timeouts" (dict "total" (printf "%ds" ($o.timeoutSeconds | int))) -}}
{{- with $o.skillName }}{{ $_ := set $s "skill" . }}{{ end -}}
{{- if $o.git.url -}}
{{- $git := dict "url" $o.git.url "depth" ($o.git.depth | int) -}}
{{- with $o.git.ref }}{{ $_ := set $git "ref" . }}{{ end -}}
{{- with $o.git.path }}{{ $_ := set $git "path" . }}{{ end -}}
{{- $_ := set $s "workspace" (dict "git" $git) -}}
{{- end -}}
{{- with $o.storeResults -}}
{{- if .enabled -}}
{{- $credentials := "auto" -}}
{{- if .iamRoleArn }}{{ $credentials = "web-identity" }}{{ else if or .awsAccessKeyId .existingSecret.name }}{{ $credentials = "static" }}{{ end -}}
{{- $a := dict "endpoint" (.s3Endpoint | default "aws") "bucket" .s3Bucket "region" .s3Region "credentials" $credentials "when" .when "include" .include -}}
{{- if .workDirectory -}}
{{- $_ := set $a "files" (list (dict "name" "work" "path" "/workspace/repo" "optional" true "exclude" (list ".git" "**/node_modules"))) -}}
{{- end -}}
{{- $_ := set $s "artifacts" $a -}}
{{- if has "workspace-wip" .include }}{{ $_ := set $s "workspace" (mergeOverwrite ($s.workspace | default dict) (dict "wip" true)) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $s = mergeOverwrite $s (deepCopy $o.settings) -}}
{{- if hasKey ($s.workspace | default dict) "git" -}}
{{- $s = mergeOverwrite $s (dict "workspace" (dict "timeouts" (dict "total" (printf "%ds" ($o.git.timeoutSeconds | int))))) -}}
{{- end -}}
{{- if $s.artifacts }}{{ $_ := set $s.artifacts "timeout" (printf "%ds" ($o.storeResults.timeoutSeconds | int)) }}{{ end -}}
{{- toJson $s -}}
{{- end -}}

{{/*
Seconds that one try may take: checkout, agent, upload, and the grace in which the agent is stopped.
*/}}
{{- define "agents.oneShot.trySeconds" -}}
{{- $o := .Values.oneShot -}}
{{- $s := include "agents.oneShot.settings" . | fromJson -}}
{{- $checkout := ternary $o.git.timeoutSeconds 0 (hasKey ($s.workspace | default dict) "git") | int -}}
{{- $upload := ternary $o.storeResults.timeoutSeconds 0 (not (empty $s.artifacts)) | int -}}
{{- add $checkout ($o.timeoutSeconds | int) $upload ($o.terminationGracePeriodSeconds | int) -}}
{{- end -}}

{{/*
agent-runner.json: what a controller would write, with the settings at the top level.
*/}}
{{- define "agents.oneShot.specJson" -}}
{{- $o := .Values.oneShot -}}
{{- $provider := include "agents.oneShot.provider" . | fromYaml -}}
{{- $adapter := deepCopy $provider.spec.adapter -}}
{{- if $adapter.exec -}}
{{- $_ := set $adapter.exec "argsTemplate" (concat $adapter.exec.argsTemplate $o.extraArgs) -}}
{{- else -}}
{{- /* A path to the prompt in run.json, not the prompt itself: what it says is never taken for a template. */}}
{{- $_ := set $adapter.codex "prompt" "{{run.prompt}}" -}}
{{- with $o.model }}{{ $_ := set $adapter.codex "model" . }}{{ end -}}
{{- with $o.systemPrompt }}{{ $_ := set $adapter.codex "systemPromptExpectedHash" (sha256sum .) }}{{ end -}}
{{- end -}}
{{- $adapter = mergeOverwrite $adapter (deepCopy $o.adapter) -}}
{{- /* Of the provider's variables for a controller: one of these would win over `settings`. */}}
{{- $defaults := dict -}}
{{- $idle := dig "AGENT_RUNNER_TIMEOUTS_IDLE" "" ($provider.spec.envTemplate | default dict) -}}
{{- if and $idle (not (dig "runner" "timeouts" "idle" "" $adapter)) }}{{ $_ := set $defaults "timeouts" (dict "idle" $idle) }}{{ end -}}
{{- $spec := dict
  "schemaVersion" "agents.proompteng.ai/runner/v1"
  "provider" $provider.metadata.name
  "inputs" (include "agents.oneShot.inputs" . | fromJson)
  "payloads" (dict "eventFilePath" "/workspace/run.json")
  "artifacts" (dict "statusPath" "/workspace/.agent/status.json" "logPath" "/workspace/.agent/runner.log" "logRetentionSeconds" (.Values.controller.logRetentionSeconds | int))
  "providerSpec" (dict "outputArtifacts" (include "agents.oneShot.artifacts" . | fromJsonArray))
  "adapter" $adapter
  "runner" (mergeOverwrite $defaults (include "agents.oneShot.settings" . | fromJson)) -}}
{{- include "agents.json" (toPrettyJson $spec) -}}
{{- end -}}

{{/*
run.json, as a controller writes it; there is no AgentRun, so there is no uid.
Usage: {{ include "agents.oneShot.runJson" (dict "root" $ "run" "name") }}
*/}}
{{- define "agents.oneShot.runJson" -}}
{{- $o := .root.Values.oneShot -}}
{{- $inputs := include "agents.oneShot.inputs" .root | fromJson -}}
{{- $provider := include "agents.oneShot.provider" .root | fromYaml -}}
{{- $run := dict
  "provider" $provider.metadata.name
  "agentRun" (dict "name" .run "namespace" (include "agents.namespace" .root))
  "implementation" (dict "text" $o.prompt)
  "parameters" $inputs
  "memory" nil
  "artifacts" (include "agents.oneShot.artifacts" .root | fromJsonArray)
  "prompt" $o.prompt
  "metadata" (dict "map" (mergeOverwrite (deepCopy $inputs) (dict "prompt" $o.prompt))) -}}
{{- with $o.systemPrompt }}{{ $_ := set $run "systemPrompt" . }}{{ end -}}
{{- range list "repository" "issueNumber" "issueTitle" "issueBody" "issueUrl" "base" "head" "stage" -}}
{{- if get $inputs . }}{{ $_ := set $run . (get $inputs .) }}{{ end -}}
{{- end -}}
{{- include "agents.json" (toPrettyJson $run) -}}
{{- end -}}

{{/*
Secret with the files of credentials and tools.
*/}}
{{- define "agents.oneShot.secretName" -}}
{{- $c := .Values.oneShot.credentials -}}
{{- if $c.create }}{{ include "agents.fullname" . }}-credentials{{ else }}{{ $c.existingSecretName }}{{ end -}}
{{- end -}}

{{/*
Key of the agent's file in that Secret, empty if there is none; its name below the agent's directory.
*/}}
{{- define "agents.oneShot.authKey" -}}
{{- $o := .Values.oneShot -}}
{{- $c := $o.credentials -}}
{{- $claude := eq $o.agent "claude" -}}
{{- $content := ternary $c.claudeCredentials $c.codexAuth $claude -}}
{{- if and (ne $o.agent "fake") (or (and $c.create $content) (and (not $c.create) $c.existingSecretName)) -}}
{{- ternary "claude-credentials.json" "codex-auth.json" $claude -}}
{{- end -}}
{{- end -}}
{{- define "agents.oneShot.authDirectory" -}}
{{- ternary "/home/agent/.claude" "/home/agent/.codex" (eq .Values.oneShot.agent "claude") -}}
{{- end -}}
{{- define "agents.oneShot.authFile" -}}
{{- ternary ".credentials.json" "auth.json" (eq .Values.oneShot.agent "claude") -}}
{{- end -}}

{{/*
Image block of the run.
*/}}
{{- define "agents.oneShot.imageBlock" -}}
{{- include "agents.imageOver" (list .Values.runner.image .Values.oneShot.image) -}}
{{- end -}}
{{- define "agents.oneShot.image" -}}
{{- $o := .Values.oneShot.image -}}
{{- if and .Values.runtime.agentRunnerImage (not (or $o.repository $o.tag $o.digest)) -}}
{{- .Values.runtime.agentRunnerImage -}}
{{- else -}}
{{- include "agents.image" (dict "image" (include "agents.oneShot.imageBlock" . | fromYaml) "tag" .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/*
Ports that the values name by their URLs, for the NetworkPolicy.
*/}}
{{- define "agents.oneShot.ports" -}}
{{- $o := .Values.oneShot -}}
{{- $ports := list -}}
{{- if $o.enabled -}}
{{- if $o.clickhouse.enabled }}{{ $ports = append $ports ($o.clickhouse.port | int) }}{{ end -}}
{{- $urls := list $o.nats.url $o.git.url -}}
{{- if $o.storeResults.enabled }}{{ $urls = append $urls $o.storeResults.s3Endpoint }}{{ end -}}
{{- range $urls -}}
{{- range regexFindAll ":[0-9]{2,5}(/|,|$)" . -1 }}{{ $ports = append $ports (regexFind "[0-9]+" . | int) }}{{ end -}}
{{- if hasPrefix "http://" . }}{{ $ports = append $ports 80 }}{{ end -}}
{{- if regexMatch "^git://([^/:]+|\\[[^\\]]*\\])(/|$)" . }}{{ $ports = append $ports 9418 }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toYaml $ports -}}
{{- end -}}

{{/*
Variables of the container, in a controller's order, and those of the values behind them.
*/}}
{{- define "agents.oneShot.env" -}}
{{- include "agents.oneShot.ownEnv" . }}
{{- range .Values.oneShot.extraEnv }}
- {{ include "agents.json" (toJson .) }}
{{- end }}
{{- end -}}
{{- define "agents.oneShot.ownEnv" -}}
{{- $o := .Values.oneShot -}}
{{- $provider := include "agents.oneShot.provider" . | fromYaml -}}
- name: AGENT_RUN_SPEC
  value: /workspace/run.json
- name: AGENT_RUNNER_SPEC_PATH
  value: /workspace/agent-runner.json
- name: CODEX_HOME
  value: /home/agent/.codex
{{- if and (hasPrefix "codex" $o.agent) (include "agents.oneShot.authKey" .) }}
- name: CODEX_AUTH
  value: /home/agent/.codex/auth.json
{{- end }}
- name: CLAUDE_CONFIG_DIR
  value: /home/agent/.claude
- name: HOME
  value: /home/agent
- name: AGENT_RUNNER_TERMINATION_GRACE_SECONDS
  value: {{ $o.terminationGracePeriodSeconds | int | quote }}
- name: AGENT_POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: AGENT_RUN_NAME
  valueFrom:
    fieldRef:
      fieldPath: {{ if $o.debugMode }}metadata.name{{ else }}metadata.labels['batch.kubernetes.io/job-name']{{ end }}
- name: AGENT_RUN_UID
  valueFrom:
    fieldRef:
      fieldPath: {{ if $o.debugMode }}metadata.uid{{ else }}metadata.labels['batch.kubernetes.io/controller-uid']{{ end }}
- name: AGENT_RUN_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- if and $o.credentials.apiKey.secretName (ne $o.agent "fake") }}
- name: {{ ternary "ANTHROPIC_API_KEY" "CODEX_API_KEY" (eq $o.agent "claude") }}
  valueFrom:
    secretKeyRef:
      name: {{ $o.credentials.apiKey.secretName | quote }}
      key: {{ $o.credentials.apiKey.key | quote }}
{{- end }}
- name: AGENT_PROVIDER
  value: {{ $provider.metadata.name | quote }}
{{- if $o.git.tokenSecret.name }}
- name: VCS_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ $o.git.tokenSecret.name | quote }}
      key: {{ $o.git.tokenSecret.key | quote }}
{{- end }}
{{- if $o.git.sshKeySecret.name }}
- name: VCS_SSH_KEY_PATH
  value: {{ printf "/var/run/secrets/agents/vcs/ssh/%s" $o.git.sshKeySecret.key | quote }}
{{- end }}
{{- if $o.git.knownHostsConfigMap.name }}
- name: VCS_SSH_KNOWN_HOSTS_PATH
  value: {{ printf "/var/run/secrets/agents/vcs/known-hosts/%s" $o.git.knownHostsConfigMap.key | quote }}
{{- end }}
{{- with $o.systemPrompt }}
- name: CODEX_SYSTEM_PROMPT_EXPECTED_HASH
  value: {{ sha256sum . | quote }}
- name: CODEX_SYSTEM_PROMPT_REQUIRED
  value: "true"
{{- end }}
{{- if $o.nats.url }}
- name: NATS_URL
  value: {{ $o.nats.url | quote }}
{{- if $o.nats.userSecret.name }}
- name: NATS_USER
  valueFrom:
    secretKeyRef:
      name: {{ $o.nats.userSecret.name | quote }}
      key: {{ $o.nats.userSecret.usernameKey | quote }}
- name: NATS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $o.nats.userSecret.name | quote }}
      key: {{ $o.nats.userSecret.passwordKey | quote }}
{{- end }}
{{- end }}
{{- with $o.storeResults }}
{{- if .enabled }}
# The pod's name makes it another place for every try of every run.
- name: AGENT_RUNNER_ARTIFACTS_PREFIX
  value: {{ printf "%s/$(AGENT_POD_NAME)" (trimAll "/" .s3Prefix) | trimPrefix "/" | quote }}
- name: AWS_REGION
  value: {{ .s3Region | quote }}
{{- if or .awsAccessKeyId .existingSecret.name }}
{{- $name := .existingSecret.name | default (printf "%s-results" (include "agents.fullname" $)) }}
- name: AGENTS_ARTIFACTS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ $name | quote }}
      key: {{ .existingSecret.accessKeyIdKey | quote }}
- name: AGENTS_ARTIFACTS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ $name | quote }}
      key: {{ .existingSecret.secretAccessKeyKey | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Volumes of the pod and mounts of the container, as two lists.
Usage: {{ include "agents.oneShot.volumes" (dict "root" $ "run" "name") | fromYaml }}
*/}}
{{- define "agents.oneShot.volumes" -}}
{{- $root := .root -}}
{{- $o := $root.Values.oneShot -}}
{{- $tls := and $o.clickhouse.tls.enabled (or (not $o.credentials.create) $o.clickhouse.tls.ca $o.clickhouse.tls.cert) -}}
{{- $auth := include "agents.oneShot.authKey" $root -}}
volumes:
  - name: run-spec
    configMap:
      name: {{ printf "%s-spec" .run | quote }}
  {{- if $o.inputFiles }}
  - name: run-inputs
    configMap:
      name: {{ printf "%s-inputs" .run | quote }}
  {{- end }}
  - name: workspace
    emptyDir: {}
  - name: run-state
    emptyDir: {}
  - name: work
    {{- if $o.workspace.existingClaim }}
    persistentVolumeClaim:
      claimName: {{ $o.workspace.existingClaim | quote }}
    {{- else }}
    emptyDir:
      sizeLimit: {{ $o.workspace.sizeLimit | quote }}
    {{- end }}
  - name: home
    emptyDir: {}
  - name: tmp
    emptyDir: {}
  {{- if $auth }}
  - name: agent-home
    emptyDir: {}
  - name: credentials
    secret:
      secretName: {{ include "agents.oneShot.secretName" $root | quote }}
      # Of the group only: the pod's `fsGroup`.
      defaultMode: 0440
      items:
        - key: {{ $auth | quote }}
          path: {{ include "agents.oneShot.authFile" $root }}
  {{- end }}
  {{- if $o.clickhouse.enabled }}
  {{- range $volume, $file := dict "clickhouse-client" (list "clickhouse-client-config.xml" "config.xml") "altinity-mcp" (list "altinity-mcp-config.yaml" "config.yaml") }}
  - name: {{ $volume }}
    projected:
      defaultMode: 0440
      sources:
        - secret:
            name: {{ include "agents.oneShot.secretName" $root | quote }}
            items:
              - key: {{ index $file 0 }}
                path: {{ index $file 1 }}
        {{- if $tls }}
        - secret:
            name: {{ include "agents.oneShot.secretName" $root | quote }}
            # Each of them may be missing: a server's certificate may be signed by an authority that
            # everybody knows, and a client may have none.
            optional: true
            items:
              - key: clickhouse-ca.crt
                path: ca.crt
              - key: clickhouse-client.crt
                path: client.crt
              - key: clickhouse-client.key
                path: client.key
        {{- end }}
  {{- end }}
  {{- end }}
  {{- if $o.git.sshKeySecret.name }}
  - name: vcs-ssh
    secret:
      secretName: {{ $o.git.sshKeySecret.name | quote }}
      defaultMode: 0440
      items:
        - key: {{ $o.git.sshKeySecret.key | quote }}
          path: {{ $o.git.sshKeySecret.key | quote }}
  {{- end }}
  {{- if $o.git.knownHostsConfigMap.name }}
  - name: vcs-known-hosts
    configMap:
      name: {{ $o.git.knownHostsConfigMap.name | quote }}
      items:
        - key: {{ $o.git.knownHostsConfigMap.key | quote }}
          path: {{ $o.git.knownHostsConfigMap.key | quote }}
  {{- end }}
  {{- include "agents.extraVolumes" $o.extraVolumes | nindent 2 }}
mounts:
  - name: workspace
    mountPath: /workspace
  # The kubelet mounts the termination message below it: without a volume the directory would be root's.
  - name: run-state
    mountPath: /workspace/.agent
  - name: work
    mountPath: /workspace/repo
  - name: run-spec
    mountPath: /workspace/run.json
    subPath: run.json
    readOnly: true
  - name: run-spec
    mountPath: /workspace/agent-runner.json
    subPath: agent-runner.json
    readOnly: true
  {{- range $index, $file := $o.inputFiles }}
  - name: run-inputs
    mountPath: {{ $file.path | quote }}
    subPath: input-{{ $index }}
    readOnly: true
  {{- end }}
  - name: home
    mountPath: /home/agent
  - name: tmp
    mountPath: /tmp
  {{- if $auth }}
  - name: agent-home
    mountPath: {{ include "agents.oneShot.authDirectory" $root }}
  - name: credentials
    mountPath: {{ include "agents.oneShot.authDirectory" $root }}/{{ include "agents.oneShot.authFile" $root }}
    subPath: {{ include "agents.oneShot.authFile" $root }}
    readOnly: true
  {{- end }}
  {{- if $o.clickhouse.enabled }}
  - name: clickhouse-client
    mountPath: /etc/clickhouse-client
    readOnly: true
  - name: altinity-mcp
    mountPath: /etc/altinity-mcp
    readOnly: true
  {{- end }}
  {{- if $o.git.sshKeySecret.name }}
  - name: vcs-ssh
    mountPath: /var/run/secrets/agents/vcs/ssh
    readOnly: true
  {{- end }}
  {{- if $o.git.knownHostsConfigMap.name }}
  - name: vcs-known-hosts
    mountPath: /var/run/secrets/agents/vcs/known-hosts
    readOnly: true
  {{- end }}
  {{- with $o.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/*
Labels of a run and of its pod: those that a controller gives, and those that the pod is found by. No
version: a Job's template cannot be changed.
Usage: {{ include "agents.oneShot.podLabels" (dict "root" $ "run" "name") }}
*/}}
{{- define "agents.oneShot.podLabels" -}}
{{- $provider := include "agents.oneShot.provider" .root | fromYaml -}}
{{- $own := include "agents.selectorLabels" (list .root "runner") | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "agents" -}}
{{- $_ := set $own "agents.proompteng.ai/agent-run" .run -}}
{{- $_ := set $own "agents.proompteng.ai/agent" .root.Values.oneShot.agent -}}
{{- $_ := set $own "agents.proompteng.ai/provider" $provider.metadata.name -}}
{{- toYaml (mergeOverwrite (deepCopy .root.Values.commonLabels) .root.Values.oneShot.podLabels $own) -}}
{{- end -}}

{{/*
THE pod of a run: template of the Job and the CronJob, and the debug Pod itself.
Usage: {{ include "agents.oneShot.pod" (dict "root" $ "run" "name") | fromYaml }}
*/}}
{{- define "agents.oneShot.pod" -}}
{{- $root := .root -}}
{{- $o := $root.Values.oneShot -}}
{{- $image := include "agents.oneShot.imageBlock" $root | fromYaml -}}
{{- $volumes := include "agents.oneShot.volumes" . | fromYaml -}}
metadata:
  labels:
    {{- include "agents.oneShot.podLabels" . | nindent 4 }}
  annotations:
    {{- toYaml (mergeOverwrite (dict "kubectl.kubernetes.io/default-container" "agent-runner") $o.podAnnotations) | nindent 4 }}
spec:
  restartPolicy: {{ ternary "Never" $o.job.restartPolicy $o.debugMode }}
  {{- if or $o.serviceAccount.create $o.serviceAccount.name }}
  serviceAccountName: {{ $o.serviceAccount.name | default (printf "%s-run" (include "agents.fullname" $root)) | quote }}
  {{- end }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $o.terminationGracePeriodSeconds | int }}
  {{- with include "agents.pullSecrets" $image.pullSecrets }}
  imagePullSecrets:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $o.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $o.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $o.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $o.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $o.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $o.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  containers:
    - name: agent-runner
      image: {{ include "agents.oneShot.image" $root | quote }}
      imagePullPolicy: {{ $image.pullPolicy }}
      command: {{ ternary $o.debug.command (list "/usr/local/bin/agent-runner") $o.debugMode | toJson }}
      workingDir: /workspace/repo
      env:
        {{- include "agents.oneShot.env" $root | nindent 8 }}
      {{- with $o.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $o.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml $o.resources | nindent 8 }}
      volumeMounts:
        {{- toYaml $volumes.mounts | nindent 8 }}
      terminationMessagePath: /workspace/.agent/status.json
      terminationMessagePolicy: File
  volumes:
    {{- toYaml $volumes.volumes | nindent 4 }}
{{- end -}}

{{/*
What a Job is beside its template, and cannot be changed.
*/}}
{{- define "agents.oneShot.failurePolicy" -}}
{{- with .Values.oneShot.job.podFailurePolicy -}}
{{- if and .enabled (eq $.Values.oneShot.job.restartPolicy "Never") -}}
rules:
  # First: a pod that a drained node ends exits 143 like any other that is stopped.
  - action: {{ .onDisruption }}
    onPodConditions:
      - type: DisruptionTarget
        status: "True"
  - action: FailJob
    onExitCodes:
      containerName: agent-runner
      operator: NotIn
      values: {{ include "agents.oneShot.retryableCodes" $ }}
    # Empty is none. The schemas of older versions of Kubernetes call it required.
    onPodConditions: []
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Name of the run: of the release and of all that makes it another run. It has no clock and no random
number in it, so an upgrade that changes nothing has the name of the run that was.
Usage: {{ include "agents.oneShot.run" $ }}
*/}}
{{- define "agents.oneShot.run" -}}
{{- $nobody := dict "root" $ "run" "" -}}
{{- $all := list (include "agents.oneShot.specJson" $) (include "agents.oneShot.runJson" $nobody) (include "agents.oneShot.pod" $nobody) (include "agents.oneShot.failurePolicy" $) (toJson .Values.oneShot.inputFiles) .Values.oneShot.runId -}}
{{- printf "%s-%s" (include "agents.fullname" $) (join "\n" $all | sha256sum | trunc 8) -}}
{{- end -}}

{{/*
Spec of a Job.
Usage: {{ include "agents.oneShot.job" $ }}
*/}}
{{- define "agents.oneShot.job" -}}
{{- $j := .Values.oneShot.job -}}
backoffLimit: {{ $j.backoffLimit | int }}
activeDeadlineSeconds: {{ $j.activeDeadlineSeconds | int }}
{{- if not (kindIs "invalid" $j.ttlSecondsAfterFinished) }}
ttlSecondsAfterFinished: {{ $j.ttlSecondsAfterFinished | int }}
{{- end }}
{{- with include "agents.oneShot.failurePolicy" . }}
podFailurePolicy:
  {{- . | nindent 2 }}
{{- end }}
template:
  {{- include "agents.oneShot.pod" (dict "root" $ "run" (include "agents.oneShot.run" $)) | nindent 2 }}
{{- end -}}
