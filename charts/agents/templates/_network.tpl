{{/*
Rule of a NetworkPolicy that opens TCP ports to runner pods; nothing without ports.
Usage: {{ include "agents.runnerEgress" (list $ (list 443 4222)) }}
*/}}
{{- define "agents.runnerEgress" -}}
{{- $p := (index . 0).Values.runner.networkPolicy -}}
{{- $ports := list -}}
{{- range index . 1 }}{{ $ports = append $ports (dict "protocol" "TCP" "port" (. | int)) }}{{ end -}}
{{- $fours := list -}}
{{- $sixes := list -}}
{{- range $p.exceptCIDRs }}{{ if contains ":" . }}{{ $sixes = append $sixes . }}{{ else }}{{ $fours = append $fours . }}{{ end }}{{ end -}}
{{- with $ports -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        {{- with $fours }}
        except: {{ toJson . }}
        {{- end }}
    - ipBlock:
        cidr: ::/0
        {{- with $sixes }}
        except: {{ toJson . }}
        {{- end }}
    {{- if $p.clusterPods }}
    # To some networks, such as Cilium's, a pod of the cluster has no address that a block could have.
    - namespaceSelector: {}
    {{- end }}
  ports:
    {{- toYaml . | nindent 4 }}
{{- end -}}
{{- end -}}
