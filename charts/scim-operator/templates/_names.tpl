{{- /* The name of the release's objects, with room for a suffix within the 63 characters of a label. */ -}}
{{- define "scim-operator.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains .Chart.Name $name) -}}{{- $name = printf "%s-%s" $name .Chart.Name -}}{{- end -}}
{{- default $name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "scim-operator.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- /* What selects the pods of one component. Takes `root` and `component`. */ -}}
{{- define "scim-operator.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* The account that holds the rights of a component. Takes `root` and `component`. */ -}}
{{- define "scim-operator.account" -}}
{{- $component := ternary "serve" .component (eq .root.Values.mode "single") -}}
{{- $account := (get .root.Values $component).serviceAccount -}}
{{- if and $account.create (not $account.name) -}}
{{ include "scim-operator.fullname" .root }}-{{ $component }}
{{- else -}}
{{ required (printf "%s.serviceAccount: with create: false, name the account" $component) $account.name }}
{{- end -}}
{{- end -}}

{{- /* The same as a subject of a binding. */ -}}
{{- define "scim-operator.subject" -}}
kind: ServiceAccount
name: {{ include "scim-operator.account" . }}
namespace: {{ .root.Release.Namespace }}
{{- end -}}

{{- /* The globs of protected namespaces, separated by commas. */ -}}
{{- define "scim-operator.protected" -}}
{{ append .Values.rbac.protectedNamespaces .Release.Namespace | uniq | join "," }}
{{- end -}}

{{- /* The same as a regular expression; a glob has no other special characters. */ -}}
{{- define "scim-operator.protectedPattern" -}}
^({{ include "scim-operator.protected" . | replace "," "|" | replace "*" ".*" | replace "?" "." }})$
{{- end -}}
