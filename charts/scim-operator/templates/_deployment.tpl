{{- /*
The Deployment of one component, of its values. Takes `root`, `component` and `args`.
*/ -}}
{{- define "scim-operator.deployment" -}}
{{- $values := get .root.Values .component -}}
{{- $image := .root.Values.image -}}
{{- $tls := ($values.tls | default dict).secretName -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "scim-operator.fullname" .root }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "scim-operator.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  replicas: {{ $values.replicas }}
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels:
      {{- include "scim-operator.selector" . | nindent 6 }}
  template:
    metadata:
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      labels:
        {{- with $values.podLabels }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- include "scim-operator.selector" . | nindent 8 }}
    spec:
      serviceAccountName: {{ include "scim-operator.account" . }}
      automountServiceAccountToken: true
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ $values.terminationGracePeriodSeconds }}
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with $image.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .root.Values.podSecurityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ with $image.digest }}{{ $image.repository }}@{{ . }}{{ else }}{{ $image.repository }}:{{ default .root.Chart.AppVersion $image.tag }}{{ end }}
          imagePullPolicy: {{ $image.pullPolicy }}
          args:
            {{- toYaml .args | nindent 12 }}
          env:
            - name: POD_NAMESPACE
              valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
          ports:
            {{- if eq .component "serve" }}
            - {name: scim, containerPort: 8080}
            {{- end }}
            - {name: ops, containerPort: 9090}
          livenessProbe:
            httpGet: {path: /livez, port: ops}
            periodSeconds: 10
            timeoutSeconds: 5
          readinessProbe:
            httpGet: {path: /readyz, port: ops}
            periodSeconds: 2
            timeoutSeconds: 2
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          {{- with .root.Values.containerSecurityContext }}
          securityContext:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- if $tls }}
          volumeMounts:
            - {name: tls, mountPath: /tls, readOnly: true}
          {{- end }}
      {{- with $tls }}
      volumes:
        - name: tls
          secret: {secretName: {{ . }}}
      {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.topologySpreadConstraints }}
      {{- $selector := dict "labelSelector" (dict "matchLabels" (include "scim-operator.selector" $ | fromYaml)) }}
      topologySpreadConstraints:
        {{- range . }}
        - {{ merge (deepCopy .) $selector | toYaml | nindent 10 | trim }}
        {{- end }}
      {{- end }}
{{- end -}}
