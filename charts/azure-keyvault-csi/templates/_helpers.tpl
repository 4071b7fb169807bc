{{/*
Where both halves of the values have a key, the defaults stand in the provider's half and the driver's is empty:
a default cannot be told from a value that a user gave, so an empty one is what "not set" looks like.
*/}}

{{/* A list of maps as one, in YAML: the later rules. */}}
{{- define "akv.merged" -}}
{{- $merged := dict -}}
{{- range . }}{{ $merged = mergeOverwrite $merged (deepCopy (. | default dict)) }}{{ end -}}
{{- if $merged }}{{ toYaml $merged }}{{ end -}}
{{- end }}

{{/* A list of lists as one, in YAML; what both halves say alike is said once. */}}
{{- define "akv.joined" -}}
{{- $joined := list -}}
{{- range . }}{{ $joined = concat $joined (. | default list) }}{{ end -}}
{{- if $joined }}{{ toYaml (uniq $joined) }}{{ end -}}
{{- end }}

{{/* Labels of every object. Users' labels cannot replace those by which the pods are found. */}}
{{- define "akv.labels" -}}
{{- $own := dict
  "app" "secrets-store-csi-driver"
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/managed-by" .Release.Service
  "app.kubernetes.io/name" "secrets-store-csi-driver"
  "app.kubernetes.io/version" .Chart.AppVersion
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63)
-}}
{{- include "akv.merged" (list (index .Values "secrets-store-csi-driver").commonLabels $own) -}}
{{- end }}

{{/*
Metrics address, a port alone as one too. Copied values hold the pair's own defaults, which ask for nothing in
particular.
*/}}
{{- define "akv.metricsAddr" -}}
{{- $given := (index .Values "secrets-store-csi-driver").linux.metricsAddr | default ":8898" | toString -}}
{{- $addr := regexMatch "^[0-9]+$" $given | ternary (print ":" $given) $given -}}
{{- has $addr (list ":8080" ":8095") | ternary ":8898" $addr -}}
{{- end }}

{{/*
Whether a cluster of that version can hand tokens over as secrets of a call (1.35). To semver a vendor's suffix, such as
in v1.35.1-gke.7, is a pre-release: only "-0" takes those. A bare "+", as in 1.36+, is no version to it.
*/}}
{{- define "akv.tokensInSecrets" -}}
{{- semverCompare ">=1.35.0-0" (trimSuffix "+" .) | ternary "true" "" -}}
{{- end }}

{{/* Labels of the objects of the provider alone: its pods are found by the established provider's name. */}}
{{- define "akv.providerLabels" -}}
{{- $name := "csi-secrets-store-provider-azure" -}}
{{- $own := dict "app" $name "app.kubernetes.io/name" $name -}}
{{- include "akv.merged" (list (fromYaml (include "akv.labels" .)) $own) -}}
{{- end }}
