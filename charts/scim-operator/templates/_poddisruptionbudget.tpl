{{- /* The budget of one component, of its values. Takes `root` and `component`. */ -}}
{{- define "scim-operator.podDisruptionBudget" -}}
{{- with (get .root.Values .component).podDisruptionBudget }}
{{- if .enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "scim-operator.fullname" $.root }}-{{ $.component }}
  namespace: {{ $.root.Release.Namespace }}
  labels:
    {{- include "scim-operator.labels" $.root | nindent 4 }}
spec:
  maxUnavailable: {{ .maxUnavailable }}
  # A pod that is not ready does nothing for anybody, and must not hold up a drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "scim-operator.selector" $ | nindent 6 }}
{{- end }}
{{- end }}
{{- end -}}
