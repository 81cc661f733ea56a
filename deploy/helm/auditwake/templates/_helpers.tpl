{{- define "auditwake.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "auditwake.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "auditwake.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "auditwake.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "auditwake.selector" -}}
app.kubernetes.io/name: {{ include "auditwake.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "auditwake.labels" -}}
{{ include "auditwake.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "auditwake.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "auditwake.secret" -}}
{{ .Values.existingSecret | default (include "auditwake.fullname" .) }}
{{- end }}

{{/* The `auditwake:` block, with a dict of what the workload adds to it. */}}
{{- define "auditwake.block" -}}
{{- $block := dict "state_dir" "/var/lib/auditwake" }}
{{- with .root.Values.sinks }}{{ $_ := set $block "sinks" . }}{{ end }}
{{- toYaml (dict "auditwake" (merge (dict) .more .root.Values.settings $block)) }}
{{- end }}

{{/* What the pods of both workloads have in their environment. */}}
{{- define "auditwake.env" -}}
- name: AUDITWAKE_CONFIG
  value: /etc/auditwake/conf.d
- name: AUDITWAKE_METRICS_ADDRESS
  value: {{ printf "%s:%v" .Values.metrics.host .Values.metrics.port | quote }}
- name: DD_LOGS_ENABLED
  value: "true"
- name: DD_API_KEY_FILE
  value: /etc/auditwake/secrets/api-key
- name: DD_SITE
  value: {{ .Values.datadog.site | quote }}
{{- with .Values.datadog.tags }}
- name: DD_TAGS
  value: {{ join " " . | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "auditwake.probes" -}}
livenessProbe:
  httpGet:
    path: /healthz
    port: metrics
  initialDelaySeconds: 10
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /readyz
    port: metrics
  periodSeconds: 10
  timeoutSeconds: 5
{{- end }}

{{/* Egress of both workloads: the cluster's DNS, a DNS cache on the node, and the ports of the sinks. */}}
{{- define "auditwake.egress" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
    - ipBlock:
        cidr: 169.254.20.10/32
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
- ports:
    {{- range .Values.networkPolicy.egressPorts }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
{{- end }}
