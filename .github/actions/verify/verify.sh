#!/usr/bin/env bash
# The action's one step of its own: options from the environment, never pasted into a script.
set -uo pipefail
words=()
[ -n "${CONTRACT:-}" ] && words+=("$CONTRACT")
[ -n "${PROFILE:-}" ] && words+=(--profile "$PROFILE")
[ -n "${TRIALS:-}" ] && words+=(--trials "$TRIALS")
read -r -a more <<<"${ARGUMENTS:-}"
harness verify --junit results/contract.junit.xml ${words[@]+"${words[@]}"} ${more[@]+"${more[@]}"}
code=$?
echo "exit-code=$code" >>"${GITHUB_OUTPUT:-/dev/null}"
exit "$code"
