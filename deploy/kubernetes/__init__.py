"""Kubernetes manifests that follow from the declared topics, rights, services and alerts."""
