{{- /* The right to one lease in the release's namespace. Takes `root`, `role`, `lease` and `subject`. */ -}}
{{- define "scim-operator.lease" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .role }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "scim-operator.labels" .root | nindent 4 }}
rules:
  # One replica at a time, by this lease.
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    resourceNames: [{{ include "scim-operator.fullname" .root }}-{{ .lease }}]
    verbs: [get, update]
  # RBAC knows no names on create.
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    verbs: [create]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .role }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "scim-operator.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .role }}
subjects:
  - {{ .subject | nindent 4 | trim }}
{{- end -}}
