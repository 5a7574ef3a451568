{{- define "scim-operator.commonArgs" -}}
- --ops-listen=0.0.0.0:9090
- --namespace=$(POD_NAMESPACE)
- --log-format={{ .Values.logging.format }}
- --log={{ .Values.logging.filter }}
{{- end -}}

{{- define "scim-operator.serveArgs" -}}
- --listen=0.0.0.0:8080
- --writes-in-flight={{ .Values.serve.writesInFlight }}
- --janitor-lease={{ include "scim-operator.fullname" . }}-janitor
{{- with .Values.publicURL }}
- --public-url={{ . }}
{{- end }}
{{- if .Values.serve.tls.secretName }}
- --tls-dir=/tls
{{- end }}
{{- end -}}

{{- define "scim-operator.reconcileArgs" -}}
- --lease={{ include "scim-operator.fullname" . }}-reconcile
- --admission-policy={{ include "scim-operator.fullname" . }}-bindings
- --protected-namespaces={{ include "scim-operator.protected" . }}
{{- with .Values.rbac.allowedProtectedNamespaces }}
- --allowed-protected-namespaces={{ join "," . }}
{{- end }}
{{- with .Values.rbac.bindableClusterRoles }}
- --bindable-cluster-roles={{ join "," . }}
{{- end }}
{{- with .Values.rbac.clusterWideRoles }}
- --cluster-wide-roles={{ join "," . }}
{{- end }}
{{- with .Values.rbac.bindableRoles }}
- --bindable-roles={{ join "," . }}
{{- end }}
{{- with .Values.appConfig.namespaces }}
- --app-config-namespaces={{ join "," . }}
{{- end }}
{{- end -}}
