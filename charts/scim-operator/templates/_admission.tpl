{{- /* Puts an admission policy in force everywhere. Takes `root` and `policy`, its name. */ -}}
{{- define "scim-operator.admissionBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .policy }}
  labels:
    {{- include "scim-operator.labels" .root | nindent 4 }}
spec:
  policyName: {{ .policy }}
  validationActions: [Deny]
{{- end -}}

{{- /* The condition that it is the account with the rights over RBAC that asks. */ -}}
{{- define "scim-operator.byReconcile" -}}
name: by-reconcile
expression: >-
  request.userInfo.username == {{ include "scim-operator.reconcile" . }}
{{- end -}}

{{- /* The condition that it is anybody else. */ -}}
{{- define "scim-operator.byOthers" -}}
name: by-others
expression: >-
  request.userInfo.username != {{ include "scim-operator.reconcile" . }}
{{- end -}}

{{- /* The user name of that account, as CEL. */ -}}
{{- define "scim-operator.reconcile" -}}
'system:serviceaccount:{{ .Release.Namespace }}:{{ include "scim-operator.account" (dict "root" . "component" "reconcile") }}'
{{- end -}}

{{- /* A list of strings as CEL; none of them can hold a quote. */ -}}
{{- define "scim-operator.celList" -}}
[{{ range $i, $item := . }}{{ if $i }}, {{ end }}'{{ $item }}'{{ end }}]
{{- end -}}
