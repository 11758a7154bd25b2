#!/usr/bin/env bash
# A kind cluster from nothing to a run that succeeded: the runner's image, a database, the chart, one AgentRun with
# the scripted agent and one run of `oneShot`. Needs kind, kubectl, helm and docker; changes nothing but the cluster
# that CLUSTER_NAME names, and leaves it there to look at. The runner is what `make static` has made, or AGENT_RUNNER.
#
# The control plane is not built here: it comes from CONTROL_PLANE_IMAGE, which is pulled and loaded into kind under the
# name that IMAGE_REPOSITORY and IMAGE_TAG say; with BUILD_IMAGE=0 both images are taken as they are on this machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

CLUSTER_NAME=${CLUSTER_NAME:-agents}
NAMESPACE=${NAMESPACE:-agents}
RELEASE=${RELEASE:-agents}
POSTGRES_RELEASE=${POSTGRES_RELEASE:-agents-postgres}
POSTGRES_USER=${POSTGRES_USER:-agents}
POSTGRES_PASSWORD=${POSTGRES_PASSWORD:-agents}
POSTGRES_DB=${POSTGRES_DB:-agents}
POSTGRES_IMAGE=${POSTGRES_IMAGE:-pgvector/pgvector:pg17}
CHART_PATH=${CHART_PATH:-charts/agents}
VALUES_FILE=${VALUES_FILE:-$CHART_PATH/values-kind.yaml}
SECRET_NAME=${SECRET_NAME:-agents-db-app}
SECRET_KEY=${SECRET_KEY:-uri}
KUBECTL_CONTEXT=${KUBECTL_CONTEXT:-kind-$CLUSTER_NAME}
IMAGE_REPOSITORY=${IMAGE_REPOSITORY:-agents-control-plane-local}
IMAGE_TAG=${IMAGE_TAG:-kind}
CONTROL_PLANE_IMAGE=${CONTROL_PLANE_IMAGE:-ghcr.io/proompteng/agents-control-plane:0.9.0}
RUNNER_IMAGE_REPOSITORY=${RUNNER_IMAGE_REPOSITORY:-agent-runner-local}
BUILD_IMAGE=${BUILD_IMAGE:-1}
TIMEOUT_SECONDS=${TIMEOUT_SECONDS:-300}

say() { printf '== %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
for tool in kind kubectl helm docker; do
    command -v "$tool" >/dev/null 2>&1 || die "$tool is not installed"
done
[ -f "$VALUES_FILE" ] || die "there is no $VALUES_FILE: set VALUES_FILE"
kubectl_() { kubectl --context "$KUBECTL_CONTEXT" --namespace "$NAMESPACE" "$@"; }

diagnose() {
    code=$?
    [ "$code" -eq 0 ] && return
    say "failed ($code): what there is"
    set +e
    kubectl_ get pods,jobs,agentruns.agents.proompteng.ai --output wide
    kubectl_ describe pods | tail -n 120
    kubectl_ logs --selector app.kubernetes.io/part-of=agents --tail 100 --all-containers
    kubectl_ logs --selector agents.proompteng.ai/agent-run --tail 100 --all-containers
    exit "$code"
}
trap diagnose EXIT

if ! kind get clusters 2>/dev/null | grep -qx "$CLUSTER_NAME"; then
    say "creating the cluster $CLUSTER_NAME"
    kind create cluster --name "$CLUSTER_NAME" --wait 120s
fi
kubectl --context "$KUBECTL_CONTEXT" create namespace "$NAMESPACE" --dry-run=client --output yaml |
    kubectl --context "$KUBECTL_CONTEXT" apply --filename -

if [ "$BUILD_IMAGE" = 1 ]; then
    say "images: the runner from here, the control plane from $CONTROL_PLANE_IMAGE"
    ENGINE=docker BASE=${BASE:-docker.io/library/debian:bookworm-slim} PREFIX=localhost/agent-runner TAG=$IMAGE_TAG \
        images/build runner
    docker tag "localhost/agent-runner/runner:$IMAGE_TAG" "$RUNNER_IMAGE_REPOSITORY:$IMAGE_TAG"
    docker pull "$CONTROL_PLANE_IMAGE"
    docker tag "$CONTROL_PLANE_IMAGE" "$IMAGE_REPOSITORY:$IMAGE_TAG"
fi
kind load docker-image --name "$CLUSTER_NAME" "$RUNNER_IMAGE_REPOSITORY:$IMAGE_TAG" "$IMAGE_REPOSITORY:$IMAGE_TAG"

say "database $POSTGRES_RELEASE"
kubectl_ apply --filename - <<YAML
apiVersion: v1
kind: Secret
metadata: {name: $POSTGRES_RELEASE}
stringData: {POSTGRES_USER: "$POSTGRES_USER", POSTGRES_PASSWORD: "$POSTGRES_PASSWORD", POSTGRES_DB: "$POSTGRES_DB"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: $POSTGRES_RELEASE}
spec:
  selector: {matchLabels: {app: $POSTGRES_RELEASE}}
  template:
    metadata: {labels: {app: $POSTGRES_RELEASE}}
    spec:
      containers:
        - name: postgres
          image: $POSTGRES_IMAGE
          envFrom: [{secretRef: {name: $POSTGRES_RELEASE}}]
          ports: [{containerPort: 5432}]
          readinessProbe:
            exec: {command: [pg_isready, --username, "$POSTGRES_USER", --dbname, "$POSTGRES_DB"]}
            periodSeconds: 2
---
apiVersion: v1
kind: Service
metadata: {name: $POSTGRES_RELEASE}
spec:
  selector: {app: $POSTGRES_RELEASE}
  ports: [{port: 5432}]
---
apiVersion: v1
kind: Secret
metadata: {name: $SECRET_NAME}
stringData:
  $SECRET_KEY: postgresql://$POSTGRES_USER:$POSTGRES_PASSWORD@$POSTGRES_RELEASE:5432/$POSTGRES_DB
YAML
kubectl_ rollout status "deployment/$POSTGRES_RELEASE" --timeout 180s
for extension in vector pgcrypto; do
    kubectl_ exec "deployment/$POSTGRES_RELEASE" -- \
        psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --command "CREATE EXTENSION IF NOT EXISTS $extension"
done

say "one run without a controller"
helm --kube-context "$KUBECTL_CONTEXT" upgrade --install "$RELEASE-run" "$CHART_PATH" --namespace "$NAMESPACE" \
    --values "$CHART_PATH/ci/one-shot-fake-values.yaml" --skip-crds \
    --set runner.image.repository="$RUNNER_IMAGE_REPOSITORY" --set runner.image.tag="$IMAGE_TAG" \
    --set runner.image.pullPolicy=Never --set oneShot.runId="$(date +%s)"
kubectl_ wait job --selector "app.kubernetes.io/instance=$RELEASE-run" --for condition=Complete --timeout "${TIMEOUT_SECONDS}s"
kubectl_ get pods --selector "app.kubernetes.io/instance=$RELEASE-run" \
    --output jsonpath='{.items[-1:].status.containerStatuses[0].state.terminated.message}' | grep '"status":"succeeded"' >/dev/null ||
    die "the run says something else than succeeded"

say "the control plane"
helm --kube-context "$KUBECTL_CONTEXT" upgrade --install "$RELEASE" "$CHART_PATH" --namespace "$NAMESPACE" \
    --values "$VALUES_FILE" \
    --set image.repository="$IMAGE_REPOSITORY" --set image.tag="$IMAGE_TAG" \
    --set runner.image.repository="$RUNNER_IMAGE_REPOSITORY" --set runner.image.tag="$IMAGE_TAG" \
    --set "controller.namespaces={$NAMESPACE}" \
    --set database.secretRef.name="$SECRET_NAME" --set database.secretRef.key="$SECRET_KEY"
kubectl_ rollout status "deployment/$(kubectl_ get deployment --selector "app.kubernetes.io/instance=$RELEASE,app.kubernetes.io/component=control-plane" --output jsonpath='{.items[0].metadata.name}')" --timeout 180s

say "an AgentRun with the scripted agent"
run=workflow-smoke
examples=$CHART_PATH/examples
kubectl_ delete --ignore-not-found "agentruns.agents.proompteng.ai/$run"
for example in agentprovider-smoke agent-smoke implementationspec-smoke agentrun-workflow-smoke; do
    kubectl_ apply --filename "$examples/$example.yaml"
done
deadline=$((SECONDS + TIMEOUT_SECONDS))
while :; do
    phase=$(kubectl_ get "agentruns.agents.proompteng.ai/$run" --output jsonpath='{.status.phase}')
    case $phase in
    Succeeded) break ;;
    Failed | Cancelled) die "the AgentRun $run is $phase" ;;
    esac
    [ "$SECONDS" -lt "$deadline" ] || die "the AgentRun $run is still '$phase' after $TIMEOUT_SECONDS s"
    sleep 3
done
say "succeeded: $run. Clean up with: kind delete cluster --name $CLUSTER_NAME"
