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
  request.userInfo.username ==
  'system:serviceaccount:{{ .Release.Namespace }}:{{ include "scim-operator.account" (dict "root" . "component" "reconcile") }}'
{{- end -}}

{{- /* A list of strings as CEL; none of them can hold a quote. */ -}}
{{- define "scim-operator.celList" -}}
[{{ range $i, $item := . }}{{ if $i }}, {{ end }}'{{ $item }}'{{ end }}]
{{- end -}}
