{{/*
What the reconciler holds, as the chart renders it: every template but the hook, the reconciler's own and what renders nothing.
A new template belongs here; a test holds that none is missing.
*/}}
{{- define "akv.desired" -}}
{{- $manifests := list -}}
{{- range $name := list "admission" "arc" "csidriver" "daemonset" "monitoring" "openshift" "provider" "rbac" -}}
{{- with include (printf "%s/%s.yaml" $.Template.BasePath $name) $ | trim }}{{ $manifests = append $manifests . }}{{ end -}}
{{- end -}}
{{- join "\n---\n" $manifests -}}
{{- end }}

{{/* The same as a list of objects, in YAML. */}}
{{- define "akv.desiredObjects" -}}
{{- $objects := list -}}
{{- range regexSplit "(?m)^---\\s*$" (include "akv.desired" .) -1 -}}
{{- with fromYaml . }}{{ $objects = append $objects . }}{{ end -}}
{{- end -}}
{{- toYaml $objects -}}
{{- end }}

{{/*
Rules that let the reconciler hold objects: one for each kind, by their names; takes a list of objects. The comment above
`verbs` is the reason in docs/security.md.
*/}}
{{- define "akv.holdingRules" -}}
{{- $kinds := dict -}}
{{- range . -}}
{{- $group := contains "/" .apiVersion | ternary (first (splitList "/" .apiVersion)) "" -}}
{{- $plural := print (lower .kind) "s" | replace "ys" "ies" -}}
{{- $kind := printf "%s/%s" $group $plural -}}
{{- $_ := set $kinds $kind (append (get $kinds $kind | default list) .metadata.name) -}}
{{- end -}}
{{- range $kind, $names := $kinds }}
- apiGroups: [{{ first (splitList "/" $kind) | quote }}]
  resources: [{{ last (splitList "/" $kind) }}]
  resourceNames: {{ toJson (sortAlpha $names) }}
  # held, by name: read and watched; written where one strays (a dry run asks whether it does), made where one is missing,
  # deleted where a field strays that nobody may change
  verbs: [get, watch, create, patch, update, delete]
{{- end -}}
{{- end }}

{{/* The rules of the roles that are held: Kubernetes lets nobody write a role who has not what it gives. Takes a list of objects. */}}
{{- define "akv.repeatedRules" -}}
{{- range $role := . -}}
{{- range $rule := eq $role.kind "ClusterRole" | ternary $role.rules list }}
- apiGroups: {{ toJson $rule.apiGroups }}
  resources: {{ toJson $rule.resources }}
  # never used: as {{ $role.kind }} {{ $role.metadata.name }} gives it, which could not be restored by who lacks what it gives
  verbs: {{ toJson $rule.verbs }}
{{- end -}}
{{- end -}}
{{- end }}
