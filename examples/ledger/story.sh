#!/usr/bin/env bash
# A day with a ledger: two people, a revert, a console change, and an undo.
#
# Needs only git and reconciler on the PATH. Everything is in a temporary folder: a shared repository, a clone for Ada, a
# clone for Bob, and an emulated account.
set -euo pipefail

folder=$(cd "$(mktemp -d)" && pwd -P)
trap 'rm -rf "$folder"' EXIT
export GIT_CONFIG_GLOBAL=/dev/null COLUMNS=100 TWILIO_ACCOUNT_SID="AC00000000000000000000000000000000"
account=$folder/account.db

chapter() { printf '\n=== %s ===\n' "$*"; }
show() { # a command and its output
  printf '\n%s$ %s\n' "$(basename "$PWD")" "${*//$folder\//}"
  "$@" 2>&1 | sed "s|$folder/||g"
}
fails() { # a command that exits with a given status
  local wanted=$1 code=0
  shift
  show "$@" || code=$?
  [ "$code" = "$wanted" ] || { echo "exit status $code, expected $wanted" >&2; exit 1; }
}
be() { # continue as a person, in their clone
  cd "$folder/$1"
  export GIT_AUTHOR_NAME=$1 GIT_AUTHOR_EMAIL=$1@example.com GIT_COMMITTER_NAME=$1 GIT_COMMITTER_EMAIL=$1@example.com
}
pull() {
  git pull -q --rebase
  git fetch -q origin '+refs/reconciler/*:refs/reconciler/*'
}
publish() { git commit -qam "$1" && git push -q origin main; }

chapter "Ada starts the ledger"
git init -q --bare -b main "$folder/desk.git"
git init -q -b main "$folder/ada"
be ada
git config user.name ada
git remote add origin "$folder/desk.git"
cat >reconciler.yaml <<'YAML'
version: 1
ledger: {git: refs/reconciler, remote: origin}
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: conversation, permissions: [sendMessage, leaveConversation]}
YAML
git add reconciler.yaml
publish "Describe the support desk"
git branch -q --set-upstream-to=origin/main
show reconciler apply --emulator "$account" --start-ledger --yes

chapter "Bob lets a server check every message"
git clone -q "$folder/desk.git" "$folder/bob"
be bob
git config user.name bob
pull
cat >>reconciler.yaml <<'YAML'
    webhooks: {pre_webhook_url: "https://hooks.example.com/check", filters: [onMessageAdd]}
YAML
publish "Check messages before they are sent"
show reconciler apply --emulator "$account" --yes

chapter "Messages are lost, and Ada reverts the commit"
be ada
pull
show git revert --no-edit HEAD
git push -q origin main
show reconciler plan --emulator "$account"
show reconciler apply --emulator "$account" --yes

chapter "Someone changes a role in the console"
# A configuration without a ledger stands in for the console.
mkdir "$folder/console"
cat >"$folder/console/reconciler.yaml" <<'YAML'
version: 1
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: conversation, permissions: [sendMessage, leaveConversation, deleteAnyMessage]}
YAML
reconciler apply "$folder/console" --emulator "$account" --yes >"$folder/console/output"
be bob
pull
fails 2 reconciler drift --emulator "$account"
show reconciler apply --emulator "$account" --yes

chapter "Bob applies a mistake, and undoes it"
cat >>reconciler.yaml <<'YAML'
      trainee: {type: conversation, permissions: [sendMessage, deleteAnyMessage]}
YAML
publish "Add a role for trainees"
show reconciler apply --emulator "$account" --report "$folder/report.json" --yes
pull
show reconciler undo "$folder/report.json" --emulator "$account" --yes
show git revert --no-edit HEAD
git push -q origin main
show reconciler plan --emulator "$account" --detailed-exitcode

chapter "What happened"
show reconciler history
