{{/* What stands at a path such as `a.b` of a map, as JSON; nothing where nothing is. */}}
{{- define "akv.at" -}}
{{- $value := index . 0 -}}
{{- range splitList "." (index . 1) -}}
{{- $value = kindIs "map" $value | ternary (get ($value | default dict) .) "" -}}
{{- end -}}
{{- if or (kindIs "bool" $value) (kindIs "float64" $value) (kindIs "int64" $value) $value }}{{ toJson $value }}{{ end -}}
{{- end }}

{{/* Refuses keys that nothing reads, all at once, each with the key that was meant. */}}
{{- define "akv.refuseUnknownKeys" -}}
{{- $known := dict -}}
{{- $sections := dict -}}
{{- range fromYamlArray (.Files.Get "files/keys.yaml") -}}
{{- $_ := set $known .key (hasKey . "unused" | ternary 0 50) -}}
{{- $path := "" -}}
{{- range initial (splitList "." .key) -}}
{{- $path = empty $path | ternary . (print $path "." .) -}}
{{- $_ := set $sections $path 25 -}}
{{- end -}}
{{- end -}}
{{- $problems := list -}}
{{- range splitList "\n" (include "akv.unknownKeys" (dict "known" $known "sections" $sections "values" .Values "path" "")) -}}
{{- if . -}}
{{- $problems = append $problems (include "akv.unknownKey" (list . (merge (dict) $known $sections))) -}}
{{- end -}}
{{- end -}}
{{- if $problems }}{{ fail (print "\n" (join "\n" $problems)) }}{{ end -}}
{{- end }}

{{/* A line for each key that is neither known nor a section: its path, in JSON. A name with dots is no path. */}}
{{- define "akv.unknownKeys" -}}
{{- range $name, $value := .values -}}
{{- $key := print $.path $name -}}
{{- if and (contains "." $name) (not (kindIs "invalid" $value)) }}{{ print $.path ($name | quote) "\n" }}
{{- else if or (hasKey $.known $key) (kindIs "invalid" $value) (eq $key "global") -}}
{{- else if and (hasKey $.sections $key) (kindIs "map" $value) -}}
{{- include "akv.unknownKeys" (dict "known" $.known "sections" $.sections "values" $value "path" (print $key ".")) -}}
{{- else }}{{ print $key "\n" }}{{ end -}}
{{- end -}}
{{- end }}

{{/* What is wrong with a key, and which was meant: the one whose last name is most alike, the same section's first. */}}
{{- define "akv.unknownKey" -}}
{{- $key := index . 0 -}}
{{- $name := last (splitList "." $key) | lower -}}
{{- $parent := trimSuffix (last (splitList "." $key)) $key -}}
{{- $best := "" -}}
{{- $score := 400 -}}
{{- range $candidate, $bonus := index . 1 -}}
{{- $itsName := last (splitList "." $candidate) -}}
{{- $alike := include "akv.alike" (list $name (lower $itsName)) | int -}}
{{- if ge $alike 400 -}}
{{- $alike = add $alike (int $bonus) (eq (trimSuffix $itsName $candidate) $parent | ternary 100 0) | int -}}
{{- end -}}
{{- if gt $alike $score }}{{ $score = $alike }}{{ $best = $candidate }}{{ end -}}
{{- end -}}
{{- if eq $key "provider" -}}
provider is no key of this chart: secrets-store-csi-driver.install=false installs the provider alone
{{- else if hasSuffix "\"" $key -}}
{{ $key }} is one name with dots in it, which nothing reads: nest it in the values file, each part below the one before
{{- else if $best -}}
{{ $key }} is no key of this chart: {{ $best }} is, was that meant?
{{- else -}}
{{ $key }} is no key of this chart: docs/values.md lists them
{{- end -}}
{{- end }}

{{/* How alike two words are, 0 to 1000: the share of pairs of neighbouring letters that they have in common. */}}
{{- define "akv.alike" -}}
{{- $left := include "akv.pairs" (index . 0) | fromJsonArray -}}
{{- $right := include "akv.pairs" (index . 1) | fromJsonArray -}}
{{- $common := 0 -}}
{{- range $left }}{{ if has . $right }}{{ $common = add1 $common }}{{ end }}{{ end -}}
{{- div (mul 2000 $common) (add (len $left) (len $right)) -}}
{{- end }}

{{- define "akv.pairs" -}}
{{- $word := print "^" . "$" -}}
{{- $pairs := list -}}
{{- range $index := until (sub (len $word) 1 | int) -}}
{{- $pairs = append $pairs (substr $index (add $index 2 | int) $word) -}}
{{- end -}}
{{- toJson (uniq $pairs) -}}
{{- end }}

{{/* For NOTES.txt: a line for each value that was set and means nothing here. What the pair has by default was not set. */}}
{{- define "akv.unusedValues" -}}
{{- $together := (index .Values "secrets-store-csi-driver").install -}}
{{- range fromYamlArray (.Files.Get "files/keys.yaml") -}}
{{- $means := or (not $together) (and (hasKey . "isolated") $.Values.isolateProvider) -}}
{{- $why := .unused | default ($means | ternary "" .alone) -}}
{{- $value := include "akv.at" (list $.Values .key) -}}
{{- $defaults := list "" (toJson .pair) (hasKey . "pairAlso" | ternary (toJson .pairAlso) "") -}}
{{- if and $why (not (has $value $defaults)) }}
  {{ .key }}: {{ $why }}
{{- end -}}
{{- end -}}
{{- if include "akv.isPairsImage" . }}
  linux.image: {{ .Values.linux.image.repository }} is the pair's provider; the image is {{ include "akv.image" . }}: set linux.image.repository to where your nodes find it
{{- else if include "akv.isPairsTag" . }}
  linux.image.tag: {{ .Values.linux.image.tag }} is that of the pair's provider; the image is {{ include "akv.image" . }}
{{- end -}}
{{- if $together }}{{ include "akv.losingValues" . }}{{ end -}}
{{- end }}

{{/* For NOTES.txt: a line for each key of the provider's half that says something else than the driver's. */}}
{{- define "akv.losingValues" -}}
{{- $driver := (index .Values "secrets-store-csi-driver").linux -}}
{{- range fromYamlArray (.Files.Get "files/keys.yaml") -}}
{{- $name := trimPrefix "linux." .key -}}
{{- if has $name (list "nodeSelector" "tolerations" "affinity" "updateStrategy" "priorityClassName" "podLabels" "podAnnotations") -}}
{{- $above := get $.Values.linux $name -}}
{{- $below := get $driver $name -}}
{{- $loses := ne (toJson $above) (toJson $below) -}}
{{- if and (kindIs "map" $above) (kindIs "map" $below) -}}
{{- $wins := mergeOverwrite (deepCopy $below) (deepCopy $above) -}}
{{- $loses = ne (toJson $wins) (toJson (mergeOverwrite (deepCopy $above) (deepCopy $below))) -}}
{{- else if kindIs "invalid" $below }}{{ $loses = false }}
{{- else if not $above }}{{ $loses = false }}
{{- else if eq (toJson $below) "\"\"" }}{{ $loses = false }}
{{- end -}}
{{- if and $loses (ne (toJson $above) (toJson .pair)) }}
  {{ .key }}: where they differ, secrets-store-csi-driver.{{ .key }} rules
{{- end -}}
{{- end -}}
{{- with and (has $name (list "env" "volumes" "volumeMounts")) (include "akv.sameNames" (list $name (get $.Values.linux $name) (get $driver $name))) }}
  {{ $name | print "linux." }}: of what both have ({{ . }}), secrets-store-csi-driver.linux.{{ $name }} rules
{{- end -}}
{{- end -}}
{{- end }}

{{/* What two lists have under the same name, and not alike; takes which of a pod's lists they are. */}}
{{- define "akv.sameNames" -}}
{{- $key := eq (index . 0) "volumeMounts" | ternary "mountPath" "name" -}}
{{- $names := list -}}
{{- range $above := index . 1 | default list -}}
{{- range $below := index $ 2 | default list -}}
{{- if and (eq (get $above $key | toString) (get $below $key | toString)) (ne (toJson $above) (toJson $below)) -}}
{{- $names = append $names (get $above $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- join ", " $names -}}
{{- end }}

{{/* Refuses nodes that run Windows; takes values and a list of nodes. */}}
{{- define "akv.refuseWindowsNodes" -}}
{{- range index . 1 -}}
{{- if eq (dig "metadata" "labels" "kubernetes.io/os" "" .) "windows" -}}
{{- $problem := "node %s runs Windows, and windows.enabled=true asks for the driver there, which this chart does not have: pods there would lose their volumes. Keep the pair's Windows DaemonSets beside it, and say so by windows.acknowledgeUnsupported=true" -}}
{{- fail (printf $problem .metadata.name) -}}
{{- end -}}
{{- end -}}
{{- end }}
