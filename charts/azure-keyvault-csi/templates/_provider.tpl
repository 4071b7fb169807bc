{{/*
The container of the Azure provider, in YAML: in a DaemonSet of its own, or beside the plugin. Takes `root`, its `name`, the
`volume` where azure.sock is, the names of its ports with `portsBegin`, its `rights` (securityContext), `env` and
`volumeMounts` (lists of lists).
*/}}
{{- define "akv.providerContainer" -}}
{{- $values := .root.Values -}}
{{- $provider := $values.linux -}}
{{- $arc := include "akv.arc" .root | fromYaml -}}
{{- $healthPath := $provider.healthzPath | default "/healthz" -}}
{{- $ownResources := dict "requests" (dict "cpu" "50m" "memory" "96Mi") "limits" (dict "memory" "192Mi") -}}
name: {{ .name }}
image: {{ include "akv.image" .root | quote }}
imagePullPolicy: {{ $provider.image.pullPolicy }}
# The image's entrypoint with another command at its end.
command:
  - /usr/local/bin/node
  - --disable-sigusr1
  - --expose-gc
  - --max-semi-space-size=1
  - --max-old-space-size=64
  - /app/main.js
  - provider
args:
  - --endpoint=unix:///provider/azure.sock
  - --healthz-port={{ ternary "127.0.0.1:" "" $provider.hostNetwork }}{{ int $provider.healthzPort }}
  - {{ print "--healthz-path=" $healthPath | quote }}
  - --healthz-timeout={{ $provider.healthzTimeout | default "5s" }}
  - {{ print "--prometheus-port=" (include "akv.providerMetrics" .root) | quote }}
  - --construct-pem-chain={{ $values.constructPEMChain }}
  {{- if $values.writeCertAndKeyInSeparateFiles }}
  - --write-cert-and-key-in-separate-files
  {{- end }}
  - --max-call-recv-msg-size={{ int (index $values "secrets-store-csi-driver").maxCallRecvMsgSize }}
  {{- with $provider.customUserAgent }}
  - {{ print "--custom-user-agent=" . | quote }}
  {{- end }}
  {{- with int .verbosity }}
  - -v={{ . }}
  {{- end }}
  {{- if .logFormatJSON }}
  - --log-format-json
  {{- end }}
  {{- with include "akv.azureFlags" .root }}
  {{- . | nindent 2 }}
  {{- end }}
{{- with include "akv.joinedBy" (list "name" (prepend .env $arc.env)) }}
env:
  {{- . | nindent 2 }}
{{- end }}
{{- with $arc.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: {{ .portsBegin }}healthz
    containerPort: {{ int $provider.healthzPort }}
  - name: {{ .portsBegin }}metrics
    containerPort: {{ include "akv.portOf" (include "akv.providerMetrics" .root) }}
livenessProbe:
  httpGet: &health
    path: {{ $healthPath | quote }}
    port: {{ .portsBegin }}healthz
    {{- if $provider.hostNetwork }}
    host: 127.0.0.1
    {{- end }}
  initialDelaySeconds: 5
  periodSeconds: 30
  timeoutSeconds: 10
  failureThreshold: 3
readinessProbe:
  httpGet: *health
  periodSeconds: 5
  timeoutSeconds: 10
# Why a start failed, such as a port that is taken, is in `kubectl describe pod`.
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  readOnlyRootFilesystem: true
  {{- toYaml .rights | nindent 2 }}
resources:
  # No CPU limit: throttled when many pods start, it would delay them all.
  {{- include "akv.merged" (list $ownResources $provider.resources) | nindent 2 }}
volumeMounts:
  - name: {{ .volume }}
    mountPath: /provider
  # In the place of the token that Kubernetes would put there.
  - name: cluster-ca
    mountPath: /var/run/secrets/kubernetes.io/serviceaccount
    readOnly: true
  {{- with include "akv.joinedBy" (list "mountPath" (prepend .volumeMounts $arc.volumeMounts)) }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* None of root's rights, whoever the user is. */}}
{{- define "akv.noRights" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* AKS identity binding: who vouches for the token proxy, without a token. */}}
{{- define "akv.clusterCA" -}}
name: cluster-ca
configMap:
  name: kube-root-ca.crt
  optional: true
{{- end }}

{{/* Where the provider of its own container serves metrics. */}}
{{- define "akv.providerMetrics" -}}
{{- .Values.metricsAddr | default "8898" | toString -}}
{{- end }}

{{- define "akv.portOf" -}}
{{- regexFind "[0-9]+$" . -}}
{{- end }}

{{/* Refuses two keys that name the same port of the node; takes a list of key, port, key, port, … */}}
{{- define "akv.refuseSamePorts" -}}
{{- $keys := dict -}}
{{- range chunk 2 . -}}
{{- $port := last . | toString -}}
{{- if hasKey $keys $port }}{{ fail (printf "%s and %s are both port %s: give one of them another" (get $keys $port) (first .) $port) }}{{ end -}}
{{- $_ := set $keys $port (first .) -}}
{{- end -}}
{{- end }}
