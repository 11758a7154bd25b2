{{/*
Name of the chart, as a label value.
Usage: {{ include "agents.name" $ }}
*/}}
{{- define "agents.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/*
What the names of all objects begin with: at most 40 characters, so that every suffix and the eight
characters that Jobs and Pods add fit into 63. Releases may have dots in their names, and Services must not.
Usage: {{ include "agents.fullname" $ }}
*/}}
{{- define "agents.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $full = default $full .Values.fullnameOverride | replace "." "-" -}}
{{- if gt (len $full) 40 -}}
{{- printf "%s-%s" ($full | trunc 33 | trimSuffix "-") ($full | sha256sum | trunc 6) -}}
{{- else -}}
{{- $full | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/*
Usage: {{ include "agents.namespace" $ }}
*/}}
{{- define "agents.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{/*
Labels that objects are selected by. They are immutable: no version, nothing of the values but names.
Usage: {{ include "agents.selectorLabels" (list $ "control-plane") }}
*/}}
{{- define "agents.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "agents.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/*
Labels of an object of a component.
Usage: {{ include "agents.labels" (list $ "control-plane") }}
*/}}
{{- define "agents.labels" -}}
{{- $root := index . 0 -}}
{{- $labels := include "agents.selectorLabels" . | fromYaml -}}
{{- $_ := set $labels "app.kubernetes.io/part-of" "agents" -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $labels "app.kubernetes.io/version" ($root.Chart.AppVersion | toString | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- toYaml (mergeOverwrite (deepCopy $root.Values.commonLabels) $labels) -}}
{{- end -}}

{{/*
Metadata of an object: name, namespace, labels and annotations, of which a third and a fourth map add to
the last two.
Usage: metadata: {{- include "agents.metadata" (dict "root" $ "name" "x" "component" "control-plane"
"labels" (dict) "annotations" (dict) "namespaced" true "namespace" "") | nindent 2 }}
*/}}
{{- define "agents.metadata" -}}
{{- $labels := mergeOverwrite (deepCopy (.labels | default dict)) (include "agents.labels" (list .root .component) | fromYaml) -}}
{{- $annotations := mergeOverwrite (deepCopy .root.Values.commonAnnotations) (.annotations | default dict) -}}
name: {{ .name | quote }}
{{- if not (eq .namespaced false) }}
namespace: {{ .namespace | default (include "agents.namespace" .root) | quote }}
{{- end }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
Reference of an image: the digest wins over the tag, and the tag stays beside it for people.
Usage: {{ include "agents.image" (dict "image" $merged "tag" .Chart.AppVersion) }}
*/}}
{{- define "agents.image" -}}
{{- $tag := .image.tag | default .tag -}}
{{- $reference := .image.repository -}}
{{- with $tag }}{{ $reference = printf "%s:%s" $reference (toString .) }}{{ end -}}
{{- with .image.digest }}{{ $reference = printf "%s@%s" $reference . }}{{ end -}}
{{- $reference -}}
{{- end -}}

{{/*
One image block over another, key by key. A block with a repository, tag or digest of its own does not
take the digest of the other, which is that of another image.
Usage: {{ include "agents.imageOver" (list .Values.image .Values.controllers.image) | fromYaml }}
*/}}
{{- define "agents.imageOver" -}}
{{- $base := deepCopy (index . 0) -}}
{{- $over := index . 1 | default dict -}}
{{- if or $over.repository $over.tag $over.digest }}{{ $_ := set $base "digest" "" }}{{ end -}}
{{- if $over.repository }}{{ $_ := set $base "tag" "" }}{{ end -}}
{{- range $key, $value := $over }}{{ if $value }}{{ $_ := set $base $key $value }}{{ end }}{{ end -}}
{{- toYaml $base -}}
{{- end -}}

{{/*
Image that runner pods have.
Usage: {{ include "agents.runnerImage" $ }}
*/}}
{{- define "agents.runnerImage" -}}
{{- .Values.runtime.agentRunnerImage | default (include "agents.image" (dict "image" .Values.runner.image "tag" .Chart.AppVersion)) -}}
{{- end -}}

{{/*
List of references from a list of names.
Usage: {{ include "agents.pullSecrets" (list "a" "b") }}
*/}}
{{- define "agents.pullSecrets" -}}
{{- $list := list -}}
{{- range . }}{{ $list = append $list (dict "name" .) }}{{ end -}}
{{- if $list }}{{ toYaml $list }}{{ end -}}
{{- end -}}

{{/*
"true" if the control plane is installed.
Usage: {{ if include "agents.controlPlaneEnabled" $ }}
*/}}
{{- define "agents.controlPlaneEnabled" -}}
{{- $said := .Values.controlPlane.enabled -}}
{{- if kindIs "bool" $said }}{{ if $said }}true{{ end }}{{ else if not .Values.oneShot.enabled }}true{{ end -}}
{{- end -}}

{{/*
"true" if the controllers have a deployment of their own.
Usage: {{ if include "agents.controllersEnabled" $ }}
*/}}
{{- define "agents.controllersEnabled" -}}
{{- if and (include "agents.controlPlaneEnabled" .) .Values.controllers.enabled }}true{{ end -}}
{{- end -}}

{{/*
Usage: {{ include "agents.serviceAccountName" $ }}
*/}}
{{- define "agents.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "agents.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{/*
ServiceAccount of runner pods of a controller; empty if there is none.
Usage: {{ include "agents.runnerServiceAccountName" $ }}
*/}}
{{- define "agents.runnerServiceAccountName" -}}
{{- .Values.runnerServiceAccount.name | default (ternary (printf "%s-runner" (include "agents.fullname" .)) "" .Values.runnerServiceAccount.create) -}}
{{- end -}}

{{/*
Namespaces of a controller, as its variable says them.
Usage: {{ include "agents.namespaces" (list $ .Values.controller.namespaces) }}
*/}}
{{- define "agents.namespaces" -}}
{{- $namespaces := index . 1 -}}
{{- if $namespaces }}{{ join "," $namespaces }}{{ else }}{{ include "agents.namespace" (index . 0) }}{{ end -}}
{{- end -}}

{{/*
Volumes from entries of `name` and `volume`, and mounts from entries of `name`, `mountPath` and the rest.
Usage: {{ include "agents.extraVolumes" (concat .Values.extraVolumes .Values.controllers.extraVolumes) }}
*/}}
{{- define "agents.extraVolumes" -}}
{{- $list := list -}}
{{- range . }}{{ $list = append $list (mergeOverwrite (deepCopy .volume) (dict "name" .name)) }}{{ end -}}
{{- if $list }}{{ toYaml $list }}{{ end -}}
{{- end -}}

{{/*
A text of JSON as YAML can hold it to the letter: characters that YAML refuses or takes for the end of a line (DEL, C1
and its NEL, the byte order mark) are written as JSON's escapes, which may stand wherever the characters may.
Usage: {{ include "agents.json" (toPrettyJson $value) }}
*/}}
{{- define "agents.json" -}}
{{- $text := . -}}
{{- range concat (untilStep 127 160 1) (list 65279 65534 65535) }}{{ $text = replace (printf "%c" .) (printf "\\u%04x" .) $text }}{{ end -}}
{{- $text -}}
{{- end -}}
