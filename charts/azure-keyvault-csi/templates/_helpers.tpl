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

{{/*
Lists of maps as one, in YAML, by the key that tells their items apart: of two of the same name the later rules. Takes that
key and the lists.
*/}}
{{- define "akv.joinedBy" -}}
{{- $key := index . 0 -}}
{{- $names := list -}}
{{- $items := dict -}}
{{- range index . 1 -}}
{{- range . | default list -}}
{{- $name := get . $key | toString -}}
{{- $names = append $names $name -}}
{{- $_ := set $items $name . -}}
{{- end -}}
{{- end -}}
{{- $joined := list -}}
{{- range uniq $names }}{{ $joined = append $joined (get $items .) }}{{ end -}}
{{- if $joined }}{{ toYaml $joined }}{{ end -}}
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
particular. Where the provider has a container of its own, 8898 is that one's, as with the pair.
*/}}
{{- define "akv.metricsAddr" -}}
{{- $given := (index .Values "secrets-store-csi-driver").linux.metricsAddr | default ":8898" | toString -}}
{{- $addr := regexMatch "^[0-9]+$" $given | ternary (print ":" $given) $given -}}
{{- has $addr (list ":8080" ":8095" ":8898") | ternary (.Values.isolateProvider | ternary ":8095" ":8898") $addr -}}
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

{{/* Whether the values name the established provider's image, as copied ones do: it is no image of ours. */}}
{{- define "akv.isPairsImage" -}}
{{- eq (base .Values.linux.image.repository) "provider-azure" | ternary "true" "" -}}
{{- end }}

{{/* Whether they have the tag that its values have by default: no image of ours has that. */}}
{{- define "akv.isPairsTag" -}}
{{- eq (toString .Values.linux.image.tag) "v1.8.2" | ternary "true" "" -}}
{{- end }}

{{/* Not by .Chart.Name, which is another where a chart that has this one in it says `alias`. */}}
{{- define "akv.image" -}}
{{- $image := .Values.linux.image -}}
{{- $isPairs := include "akv.isPairsImage" . -}}
{{- $tag := empty (print $isPairs (include "akv.isPairsTag" .)) | ternary $image.tag "" -}}
{{- print (empty $isPairs | ternary $image.repository "azure-keyvault-csi") ":" ($tag | default .Chart.AppVersion) -}}
{{- end }}

{{/*
Annotations of the plugin's pods; takes root and those of its own. A port for Prometheus that is the pair's own default is, like
the address that it belongs to, as if not set.
*/}}
{{- define "akv.podAnnotations" -}}
{{- $values := (index . 0).Values -}}
{{- $given := list $values.linux.podAnnotations (index $values "secrets-store-csi-driver").linux.podAnnotations -}}
{{- $annotations := include "akv.merged" (concat $given (index . 1)) | fromYaml -}}
{{- $port := "prometheus.io/port" -}}
{{- if has (get $annotations $port) (list "8080" "8095") -}}
{{- $_ := set $annotations $port (include "akv.portOf" (include "akv.metricsAddr" (index . 0))) -}}
{{- end -}}
{{- toYaml $annotations -}}
{{- end }}

{{/* Refuses a startup taint that would keep the plugin away, too; takes the taint's key and the tolerations. */}}
{{- define "akv.refuseUntolerated" -}}
{{- $taint := index . 0 -}}
{{- $tolerated := empty $taint -}}
{{- range index . 1 | default list -}}
{{- $everything := and (empty .key) (eq (toString .operator) "Exists") -}}
{{- if or $everything (eq (toString .key) $taint) }}{{ $tolerated = true }}{{ end -}}
{{- end -}}
{{- if not $tolerated }}{{ fail (printf "startupTaint=%s: no toleration fits it, so the plugin would never come to take it away. Add key: %s, operator: Exists to linux.tolerations" $taint $taint) }}{{ end -}}
{{- end }}

{{/* Refuses an update that starts a node's new pod beside the old one: both want the same sockets and ports. */}}
{{- define "akv.refuseSurge" -}}
{{- $surge := dig "rollingUpdate" "maxSurge" 0 . | toString -}}
{{- if not (has $surge (list "0" "0%" "")) }}{{ fail (printf "updateStrategy.rollingUpdate.maxSurge=%s cannot work: a node's second pod waits for the ports and sockets of the first, for ever. Use maxUnavailable" $surge) }}{{ end -}}
{{- end }}

{{/* Flags that both the plugin and the provider alone take. */}}
{{- define "akv.azureFlags" -}}
{{- $flags := list -}}
{{- range $flag, $value := dict "cloud-name" .Values.cloudName "token-proxy-url" .Values.tokenProxyUrl "sni-name" .Values.sniName "token-proxy-ca-file" .Values.tokenProxyCAFile "nmi-port" (eq (int .Values.nmiPort) 2579 | ternary "" .Values.nmiPort) -}}
{{- with $value }}{{ $flags = append $flags (printf "--%s=%s" $flag (toString $value)) }}{{ end -}}
{{- end -}}
{{- if .Values.metricsObjectNames }}{{ $flags = append $flags "--metrics-object-names" }}{{ end -}}
{{- if $flags }}{{ toYaml $flags }}{{ end -}}
{{- end }}

{{/* Whether Arc has a proxy to tell of. Its settings come as text, too. */}}
{{- define "akv.arcProxy" -}}
{{- $proxy := dig "proxySettings" (dict) (.Values.Azure | default dict) | default dict -}}
{{- and (eq (toString .Values.enableArcExtension) "true") (eq (toString $proxy.isProxyEnabled) "true") | ternary "true" "" -}}
{{- end }}

{{/* What a proxy adds to the container and the pod, in YAML: envFrom, env, volumeMounts, volumes, annotations. */}}
{{- define "akv.arc" -}}
{{- $arc := dict -}}
{{- if include "akv.arcProxy" . -}}
{{- $_ := set $arc "envFrom" (list (dict "secretRef" (dict "name" "arc-proxy-config"))) -}}
{{- $_ := set $arc "annotations" (dict "checksum/arc-proxy" (.Values.Azure.proxySettings | toJson | sha256sum)) -}}
{{- if .Values.Azure.proxySettings.proxyCert -}}
{{- $_ := set $arc "env" (list (dict "name" "NODE_EXTRA_CA_CERTS" "value" "/etc/azure-keyvault-csi/proxy/proxy-cert.crt")) -}}
{{- $_ := set $arc "volumeMounts" (list (dict "name" "arc-proxy-cert" "mountPath" "/etc/azure-keyvault-csi/proxy" "readOnly" true)) -}}
{{- $_ := set $arc "volumes" (list (dict "name" "arc-proxy-cert" "secret" (dict "secretName" "arc-proxy-cert"))) -}}
{{- end -}}
{{- end -}}
{{- toYaml $arc -}}
{{- end }}

{{/*
Resources of one container that does the work of two: the provider's are added to the driver's. What the driver's half does
not limit stays without a limit.
*/}}
{{- define "akv.resources" -}}
{{- $driver := deepCopy (index . 1 | default dict) -}}
{{- range $kind := list "requests" "limits" -}}
{{- range $name, $quantity := get (index $ 0 | default dict) $kind | default dict -}}
{{- $of := get $driver $kind | default dict -}}
{{- if hasKey $of $name -}}
{{- $_ := set $of $name (include "akv.sum" (list (get $of $name) $quantity)) -}}
{{- else if eq $kind "requests" -}}
{{- $_ := set $driver $kind (set $of $name $quantity) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $driver }}{{ toYaml $driver }}{{ end -}}
{{- end }}

{{/* The sum of two quantities, in the unit that both have, else in thousandths or in units. */}}
{{- define "akv.sum" -}}
{{- $units := list -}}
{{- $sum := 0.0 -}}
{{- $factors := dict "" 1 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- range . -}}
{{- $unit := regexFind "[A-Za-z]*$" (toString .) -}}
{{- if not (hasKey $factors $unit) }}{{ fail (printf "%v cannot be added to other resources: write it with %s" . (keys $factors | sortAlpha | join " ")) }}{{ end -}}
{{- $units = append $units $unit -}}
{{- $sum = addf $sum (mulf (trimSuffix $unit (toString .) | float64) (get $factors $unit)) -}}
{{- end -}}
{{- $unit := first $units -}}
{{- if ne $unit (last $units) }}{{ $unit = has "m" $units | ternary "m" "" }}{{ end -}}
{{- $count := round (divf $sum (get $factors $unit)) 3 -}}
{{- print (eq $count (floor $count) | ternary (int64 $count | toString) (toString $count)) $unit -}}
{{- end }}

{{/*
Refuses a cluster whose driver somebody looks after who would take back what this chart changes; takes the release's name
and the CSIDriver that is there. That one is asked first: whoever installs may read it anyway, and it is there in no other case.
*/}}
{{- define "akv.refuseManagedDrivers" -}}
{{- $csiDriver := index . 1 -}}
{{- if and $csiDriver (ne (dig "metadata" "annotations" "meta.helm.sh/release-name" "" $csiDriver) (index . 0)) -}}
{{- range $daemonSet := list "kube-system/aks-secrets-store-csi-driver" "openshift-cluster-csi-drivers/secrets-store-csi-driver-node" -}}
{{- if lookup "apps/v1" "DaemonSet" (dir $daemonSet) (base $daemonSet) }}{{ include "akv.refuseManagedDriver" $daemonSet }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Why, and what to do; takes the managed DaemonSet, NAMESPACE/NAME. */}}
{{- define "akv.refuseManagedDriver" -}}
{{- $by := dict
  "kube-system" (list "the AKS add-on azure-keyvault-secrets-provider" "Disable it first (az aks disable-addons --addons azure-keyvault-secrets-provider)")
  "openshift-cluster-csi-drivers" (list "the Secrets Store CSI Driver Operator" "Remove that first, or keep its driver and take the provider alone (secrets-store-csi-driver.install=false)")
-}}
{{- $who := get $by (dir .) -}}
{{- fail (printf "DaemonSet %s is managed by %s, which would take back what this chart changes. %s; docs/migrate.md says what that means for pods" . (first $who) (last $who)) -}}
{{- end }}

{{/* Whether the release has a reconciler: as said, or else where it is an extension. */}}
{{- define "akv.healsItself" -}}
{{- $said := .Values.reconciler.enabled -}}
{{- kindIs "bool" $said | ternary $said (not (empty .Values.extension.type)) | ternary "true" "" -}}
{{- end }}
