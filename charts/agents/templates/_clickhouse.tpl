{{/*
Configuration of the ClickHouse client. `html` is what escapes text for XML, too.
Usage: {{ include "agents.clickhouse.client" .Values.oneShot }}
*/}}
{{- define "agents.clickhouse.client" -}}
{{- $c := .clickhouse -}}
<config>
    <host>{{ $c.host | html }}</host>
    <port>{{ $c.port }}</port>
    <user>{{ $c.user | html }}</user>
    <password>{{ $c.password | html }}</password>
    <database>{{ $c.database | html }}</database>
    <secure>{{ $c.tls.enabled }}</secure>
    {{- if $c.tls.enabled }}
    <openSSL>
        <client>
            {{- if $c.tls.ca }}
            <loadDefaultCAFile>false</loadDefaultCAFile>
            <caConfig>/etc/clickhouse-client/ca.crt</caConfig>
            {{- else }}
            <loadDefaultCAFile>true</loadDefaultCAFile>
            {{- end }}
            {{- if $c.tls.cert }}
            <certificateFile>/etc/clickhouse-client/client.crt</certificateFile>
            <privateKeyFile>/etc/clickhouse-client/client.key</privateKeyFile>
            {{- end }}
            <verificationMode>strict</verificationMode>
            <cacheSessions>true</cacheSessions>
            <disableProtocols>sslv2,sslv3</disableProtocols>
            <preferServerCiphers>true</preferServerCiphers>
            <invalidCertificateHandler>
                <name>RejectCertificateHandler</name>
            </invalidCertificateHandler>
        </client>
    </openSSL>
    {{- end }}
</config>
{{ end -}}

{{/*
Configuration of the Altinity MCP server, which agents start over stdio.
Usage: {{ include "agents.clickhouse.mcp" .Values.oneShot }}
*/}}
{{- define "agents.clickhouse.mcp" -}}
{{- $c := .clickhouse -}}
{{- $tls := dict "enabled" $c.tls.enabled -}}
{{- if $c.tls.enabled -}}
{{- if $c.tls.ca }}{{ $_ := set $tls "ca_cert" "/etc/altinity-mcp/ca.crt" }}{{ end -}}
{{- if $c.tls.cert }}{{ $_ := set $tls "client_cert" "/etc/altinity-mcp/client.crt" }}{{ $_ := set $tls "client_key" "/etc/altinity-mcp/client.key" }}{{ end -}}
{{- end -}}
{{- dict
  "clickhouse" (dict "host" $c.host "port" ($c.port | int) "database" $c.database "username" $c.user "password" $c.password "protocol" "tcp" "read_only" true "tls" $tls)
  "server" (dict "transport" "stdio")
  "logging" (dict "level" "info") | toYaml }}
{{ end -}}
