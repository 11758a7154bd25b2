{{/*
Values block of a component.
Usage: {{ include "agents.component" (list $ "controllers") | fromYaml }}
*/}}
{{- define "agents.component" -}}
{{- $v := (index . 0).Values -}}
{{- toYaml (ternary $v.controllers $v.controlPlane (eq (index . 1) "controllers")) -}}
{{- end -}}

{{/*
Image reference and tag of a component.
*/}}
{{- define "agents.componentImage" -}}
{{- $c := include "agents.component" . | fromYaml -}}
{{- include "agents.image" (dict "image" (include "agents.imageOver" (list (index . 0).Values.image $c.image) | fromYaml) "tag" "") -}}
{{- end -}}
{{- define "agents.componentTag" -}}
{{- $c := include "agents.component" . | fromYaml -}}
{{- (include "agents.imageOver" (list (index . 0).Values.image $c.image) | fromYaml).tag -}}
{{- end -}}

{{/*
Replicas that a component has at least.
Usage: {{ include "agents.replicas" (list $ "controllers") | int }}
*/}}
{{- define "agents.replicas" -}}
{{- $v := (index . 0).Values -}}
{{- if eq (index . 1) "controllers" -}}
{{- ternary $v.controllers.autoscaling.minReplicas $v.controllers.replicaCount $v.controllers.autoscaling.enabled -}}
{{- else -}}
{{- $count := $v.replicaCount -}}
{{- if not (kindIs "invalid" $v.controlPlane.replicaCount) }}{{ $count = $v.controlPlane.replicaCount }}{{ end -}}
{{- ternary $v.autoscaling.minReplicas $count $v.autoscaling.enabled -}}
{{- end -}}
{{- end -}}

{{/*
A probe of a component: the common one with the component's keys over it.
Usage: {{ include "agents.probe" (list .Values.livenessProbe $component.livenessProbe) }}
*/}}
{{- define "agents.probe" -}}
{{- $probe := mergeOverwrite (deepCopy (index . 0)) (index . 1 | default dict) -}}
{{- if $probe.enabled -}}
httpGet:
  path: {{ $probe.path | quote }}
  port: http
{{ toYaml (omit $probe "enabled" "path") }}
{{- end -}}
{{- end -}}

{{/*
Annotations of the pods of a component: those of the values, and a checksum of each Secret that the chart
makes for them, so that pods are replaced when it changes.
*/}}
{{- define "agents.podAnnotations" -}}
{{- $root := index . 0 -}}
{{- $v := $root.Values -}}
{{- $all := deepCopy $v.podAnnotations -}}
{{- if $v.database.url }}{{ $_ := set $all "checksum/database" ($v.database.url | sha256sum) }}{{ end -}}
{{- with $v.agentComms.nats }}{{ if and $v.agentComms.enabled .user }}{{ $_ := set $all "checksum/nats" (printf "%s %s" .user .password | sha256sum) }}{{ end }}{{ end -}}
{{- if $v.rolloutChecksums.enabled -}}
{{- range $v.rolloutChecksums.secrets }}{{ $_ := set $all (printf "checksum/secret.%s" .name) .checksum }}{{ end -}}
{{- range $v.rolloutChecksums.configMaps }}{{ $_ := set $all (printf "checksum/configmap.%s" .name) .checksum }}{{ end -}}
{{- end -}}
{{- if $all }}{{ toYaml $all }}{{ end -}}
{{- end -}}

{{/*
Deployment of a component.
Usage: {{ include "agents.deployment" (list $ "control-plane") }}
*/}}
{{- define "agents.deployment" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $v := $root.Values -}}
{{- $own := eq $component "controllers" -}}
{{- $c := include "agents.component" . | fromYaml -}}
{{- $image := include "agents.imageOver" (list $v.image $c.image) | fromYaml -}}
{{- $grace := $v.terminationGracePeriodSeconds -}}
{{- if not (kindIs "invalid" $c.terminationGracePeriodSeconds) }}{{ $grace = $c.terminationGracePeriodSeconds }}{{ end -}}
{{- $lifecycle := mergeOverwrite (deepCopy $v.lifecycle) $c.lifecycle -}}
{{- $scaled := ternary $v.controllers.autoscaling.enabled $v.autoscaling.enabled $own -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "agents.metadata" (dict "root" $root "name" (ternary (printf "%s-controllers" (include "agents.fullname" $root)) (include "agents.fullname" $root) $own) "component" $component) | nindent 2 }}
spec:
  {{- if not $scaled }}
  replicas: {{ include "agents.replicas" . | int }}
  {{- end }}
  {{- with mergeOverwrite (deepCopy $v.deploymentStrategy) $c.deploymentStrategy }}
  strategy:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with mergeOverwrite (deepCopy $v.deploymentLifecycle) $c.deploymentLifecycle }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "agents.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- toYaml (mergeOverwrite (deepCopy $v.commonLabels) $v.podLabels (dict "app.kubernetes.io/part-of" "agents") (include "agents.selectorLabels" . | fromYaml)) | nindent 8 }}
      {{- with include "agents.podAnnotations" . }}
      annotations:
        {{- . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "agents.serviceAccountName" $root | quote }}
      # The one token of the chart: the control plane works through the Kubernetes API.
      automountServiceAccountToken: true
      enableServiceLinks: false
      {{- with include "agents.pullSecrets" $image.pullSecrets }}
      imagePullSecrets:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with $v.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.priorityClassName }}
      priorityClassName: {{ . | quote }}
      {{- end }}
      {{- with $v.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      terminationGracePeriodSeconds: {{ $grace | int }}
      containers:
        - name: {{ $component }}
          image: {{ include "agents.componentImage" . | quote }}
          imagePullPolicy: {{ $image.pullPolicy }}
          {{- with $v.containerSecurityContext }}
          securityContext:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          env:
            {{- include "agents.env" . | nindent 12 }}
          {{- if or $v.envFromSecretRefs $v.envFromConfigMapRefs }}
          envFrom:
            {{- range $v.envFromSecretRefs }}
            - secretRef:
                {{- include "agents.envFromRef" . | nindent 16 }}
            {{- end }}
            {{- range $v.envFromConfigMapRefs }}
            - configMapRef:
                {{- include "agents.envFromRef" . | nindent 16 }}
            {{- end }}
          {{- end }}
          ports:
            - name: http
              containerPort: 8080
              protocol: TCP
            {{- if ternary $v.controllers.service.enabled $v.grpc.enabled $own }}
            - name: grpc
              containerPort: {{ $v.grpc.port }}
              protocol: TCP
            {{- end }}
          {{- with $lifecycle }}
          lifecycle:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- range $name := list "startupProbe" "livenessProbe" "readinessProbe" }}
          {{- with include "agents.probe" (list (get $v $name) (get $c $name)) }}
          {{ $name }}:
            {{- . | nindent 12 }}
          {{- end }}
          {{- end }}
          resources:
            {{- toYaml ($c.resources | default $v.resources) | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            {{- if $v.database.caSecret.name }}
            - name: db-ca-cert
              mountPath: /etc/agents/ca
              readOnly: true
            {{- end }}
            {{- with concat $v.extraVolumeMounts $c.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- if $v.database.caSecret.name }}
        - name: db-ca-cert
          secret:
            secretName: {{ $v.database.caSecret.name | quote }}
            items:
              - key: {{ $v.database.caSecret.key | quote }}
                path: {{ $v.database.caSecret.key | quote }}
        {{- end }}
        {{- include "agents.extraVolumes" (concat $v.extraVolumes $c.extraVolumes) | nindent 8 }}
{{- end -}}

{{/*
A source of variables: a name, or `name` and `optional`.
*/}}
{{- define "agents.envFromRef" -}}
{{- if kindIs "string" . -}}
name: {{ . | quote }}
{{- else -}}
{{ toYaml (pick . "name" "optional") }}
{{- end -}}
{{- end -}}

{{/*
HorizontalPodAutoscaler of a component.
Usage: {{ include "agents.autoscaler" (list $ "controllers" .Values.controllers.autoscaling) }}
*/}}
{{- define "agents.autoscaler" -}}
{{- $root := index . 0 -}}
{{- $a := index . 2 -}}
{{- $name := ternary (printf "%s-controllers" (include "agents.fullname" $root)) (include "agents.fullname" $root) (eq (index . 1) "controllers") -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "agents.metadata" (dict "root" $root "name" $name "component" (index . 1)) | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ $name | quote }}
  minReplicas: {{ $a.minReplicas }}
  maxReplicas: {{ $a.maxReplicas }}
  metrics:
    {{- range $resource, $target := dict "cpu" $a.targetCPUUtilizationPercentage "memory" $a.targetMemoryUtilizationPercentage }}
    {{- with $target }}
    - type: Resource
      resource:
        name: {{ $resource }}
        target:
          type: Utilization
          averageUtilization: {{ . }}
    {{- end }}
    {{- end }}
{{- end -}}

{{/*
Most replicas that a component may have.
Usage: {{ include "agents.mostReplicas" (list $ "controllers") | int }}
*/}}
{{- define "agents.mostReplicas" -}}
{{- $v := (index . 0).Values -}}
{{- $a := ternary $v.controllers.autoscaling $v.autoscaling (eq (index . 1) "controllers") -}}
{{- if $a.enabled }}{{ $a.maxReplicas }}{{ else }}{{ include "agents.replicas" . }}{{ end -}}
{{- end -}}

{{/*
PodDisruptionBudget of a component; empty if there is to be none.
Usage: {{ include "agents.budget" (list $ "controllers" .Values.controllers.podDisruptionBudget) }}
*/}}
{{- define "agents.budget" -}}
{{- $root := index . 0 -}}
{{- $b := index . 2 -}}
{{- $wanted := gt (include "agents.mostReplicas" (list $root (index . 1)) | int) 1 -}}
{{- $most := toString $b.maxUnavailable -}}
{{- if kindIs "bool" $b.enabled -}}
{{- $wanted = $b.enabled -}}
{{- else if and (eq $most "") (eq (toString $b.minAvailable) "1") (lt (include "agents.replicas" (list $root (index . 1)) | int) 2) -}}
{{- /* Nobody has asked for it: one that is scaled down to one replica must not keep its node. */}}
{{- $most = "1" -}}
{{- end -}}
{{- if $wanted -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "agents.metadata" (dict "root" $root "name" (ternary (printf "%s-controllers" (include "agents.fullname" $root)) (include "agents.fullname" $root) (eq (index . 1) "controllers")) "component" (index . 1) "annotations" $b.annotations) | nindent 2 }}
spec:
  {{- if ne $most "" }}
  maxUnavailable: {{ $most }}
  {{- else }}
  minAvailable: {{ $b.minAvailable }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "agents.selectorLabels" . | nindent 6 }}
{{- end -}}
{{- end -}}
