"""The codes of problems: what each one means and how to fix it.

SARIF rules, `reconciler/docs/troubleshooting.md`, and the tests share this table. A code keeps its meaning across
releases, because `acknowledge` entries and code scanning refer to it. Holds data only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class ProblemCode(NamedTuple):
    """What a problem's code means.

    Attributes:
        cause: What is wrong, in one sentence that fits every problem with this code.
        fix: How to fix it, in Markdown.
    """

    cause: str
    fix: str


_FILES = {
    "alias-in-itself": ProblemCode(
        "A YAML alias is inside the value that it refers to.", "Write out the value instead of using the alias."
    ),
    "duplicate-key": ProblemCode(
        "A mapping contains the same key twice.", "Remove one of the keys, or merge their contents."
    ),
    "include-cycle": ProblemCode("Files include each other in a cycle.", "Include the files from the root file only."),
    "include-nothing": ProblemCode(
        "An `include` pattern matches no file.",
        "Patterns are relative to the file that contains them. Correct the pattern, or remove it.",
    ),
    "included-twice": ProblemCode(
        "The same file is included twice, for example through a link. It is read once.", "Include it once."
    ),
    "interpolated-path": ProblemCode(
        "A file name in `include` or `overlays` contains `${…}`.",
        "Write out the path. To change values between environments, use overlays.",
    ),
    "key-not-text": ProblemCode(
        "A key of a mapping is a list or a mapping.", "Quote a key that begins with `[` or `{`."
    ),
    "merge-key": ProblemCode(
        "The value of a YAML merge key (`<<`) is not a mapping.", "Refer to an anchored mapping: `<<: *name`."
    ),
    "missing-version": ProblemCode(
        "The root file does not declare a format version.", "Start the file with the line `version: 1`."
    ),
    "not-text": ProblemCode(
        "A file or an environment variable is not valid UTF-8 text.",
        "Save the file as UTF-8, or set the variable to UTF-8 text.",
    ),
    "null-with-value": ProblemCode(
        "A YAML `!!null` tag is followed by text.", "Quote the value without the tag, or write `null`."
    ),
    "outside-folder": ProblemCode(
        "A path leads outside the root file's folder.",
        "Move the file into that folder or a subfolder, and correct the path.",
    ),
    "set-twice": ProblemCode(
        "Two files set the same value.",
        "Remove one of them. Only an overlay can override a value from another file.",
    ),
    "several-documents": ProblemCode(
        "A file contains more than one YAML document.", "Remove the `---` line, or split the file."
    ),
    "similar-files": ProblemCode(
        "The names of two included files differ only in case or in Unicode normalization.",
        "Rename one of them: macOS and Windows treat both names as the same file.",
    ),
    "swallowed-text": ProblemCode(
        "YAML reads a part of a value as a comment, an anchor, or a tag.",
        "Quote the whole value. If a comment is intended, write a space after the `#`.",
    ),
    "too-deep": ProblemCode(
        "Includes, values, interpolations, or variables are nested too deeply.",
        "Reduce the nesting, for example by including files from the root file only.",
    ),
    "too-large": ProblemCode(
        "A file, its aliases, its include patterns, the use of a template, or an interpolated value exceeds a limit.",
        "Split the file into included files, or use fewer aliases, patterns, or variables, as the message says.",
    ),
    "unknown-alias": ProblemCode(
        "A YAML alias refers to an anchor that is not defined before it in the same file.",
        "Define the anchor earlier in the file, or quote the value if it begins with a literal `*`.",
    ),
    "unknown-tag": ProblemCode(
        "A value has an unknown YAML tag.", "Remove the tag. The only tag is `!unset`, in overlays."
    ),
    "unknown-version": ProblemCode(
        "The configuration declares a version that this release does not support.", "Write `version: 1`."
    ),
    "unreadable-file": ProblemCode(
        "A file cannot be read: it is missing, is not a regular file, is too large, or access is denied.",
        "Correct the path or the permissions. Paths in a file are relative to that file; `--overlay` is relative to "
        "the current folder.",
    ),
    "unset-in-list": ProblemCode(
        "A list contains `!unset`.", "Write the whole list without the item: overlays replace entire lists."
    ),
    "unset-in-vain": ProblemCode("An overlay's `!unset` removes a key that does not exist.", "Remove the line."),
    "unset-misplaced": ProblemCode(
        "`!unset` is used where nothing can be removed.",
        "Use it in an overlay, or in a service that uses a template.",
    ),
    "unset-with-value": ProblemCode(
        "`!unset` has a value, or is used as a key.", "Write `!unset` alone as the value: `key: !unset`."
    ),
    "yaml-syntax": ProblemCode(
        "A file is not valid YAML.",
        "Correct the syntax at the location shown. Often the indentation is wrong or a quote is missing.",
    ),
}

_INTERPOLATION = {
    "empty-variable": ProblemCode(
        "`--var NAME=` sets a variable to an empty value.",
        'Check the source of the value. To use an empty value, define `NAME: ""` under `variables`.',
    ),
    "guards-nothing": ProblemCode(
        "The account's SID comes from an environment variable, a secret, a file, or `--var`, so it cannot protect "
        "against the wrong credentials.",
        "Write the SID itself, or use a variable that the configuration defines.",
    ),
    "interpolated-key": ProblemCode(
        "A key in a JSON value contains an expression, but keys are never interpolated.",
        "Write `$${` for a literal `${`, or write the whole field as JSON text, which is interpolated.",
    ),
    "malformed-interpolation": ProblemCode(
        "An expression `${…}` has a missing or invalid name.",
        "Names consist of letters, digits, dots, dashes, and underscores, and start with a letter or underscore.",
    ),
    "malformed-name": ProblemCode(
        "The name of a variable is invalid, so no expression can refer to it.",
        "Use letters, digits, dots, dashes, and underscores, and start with a letter or underscore.",
    ),
    "misplaced-environment": ProblemCode(
        "An overlay defines an environment.", "Define environments in the root file or in included files."
    ),
    "misplaced-secret": ProblemCode(
        "A secret is used in a key whose value is visible, such as `sid` or `renamed_from`.",
        "Use secrets only in fields of resources.",
    ),
    "missing-namespace": ProblemCode(
        "`${NAME}` has no namespace. Only notification templates contain such placeholders.",
        "Write `${env:NAME}`, `${secret:NAME}`, or `${var:NAME}`; write `$${NAME}` for the literal text.",
    ),
    "secret-default": ProblemCode(
        "A `${secret:…}` has a default value, which would be visible in the configuration.",
        "Remove the default, or use `${env:…}` for a value that is not secret.",
    ),
    "tool-variable": ProblemCode(
        "The configuration reads a credential or setting of this tool or of the CI service, or a value that "
        "contains such a credential.",
        "Use a separate variable with a different value: values that a configuration reads are shown or sent.",
    ),
    "unclosed-interpolation": ProblemCode(
        "An expression `${…` has no closing brace.", "Add the `}`, or write `$${` for a literal `${`."
    ),
    "undefined-variable": ProblemCode(
        "A `${var:NAME}` is not defined.",
        "Define it under `variables` or in the environment, select an environment that defines it (`--env NAME`), or "
        "pass `--var NAME=VALUE`.",
    ),
    "unfilled-placeholder": ProblemCode(
        "A value contains a placeholder such as `{{NAME}}` or `$(NAME)`, or the value of a variable contains "
        "`${…}`. It is sent as written.",
        "Use `${env:NAME}`, `${var:NAME}`, or `${secret:NAME}`. Set environment variables to the final text, "
        "because their values are not interpolated.",
    ),
    "unknown-environment": ProblemCode(
        "The configuration does not define the selected environment.",
        "Correct `--env` or `RECONCILER_ENV`, or add it under `environments`.",
    ),
    "unknown-namespace": ProblemCode(
        "An expression has an unknown namespace, such as `${evn:NAME}`.",
        "Use `var`, `env`, `secret`, or `file`; write `$${` for a literal `${`.",
    ),
    "unset-environment": ProblemCode(
        "An environment variable is not set, or is empty.",
        "Set it, or give a default: `${env:NAME:-text}`. `validate --allow-unset` works without it.",
    ),
    "unset-secret": ProblemCode(
        "A secret is not set, but is required to validate its field, to match the resource, or to send the value.",
        "Set the environment variable of that name. `validate --allow-unset` and `plan` work without most secrets; "
        "`--exclude ADDRESS` leaves the resource out.",
    ),
    "unused-variable": ProblemCode(
        "A variable is set but never used, probably because its name is misspelled.",
        "Correct the name, or remove the variable.",
    ),
    "variable-cycle": ProblemCode(
        "The value of a variable refers to the variable itself.", "Remove the reference from one of the variables."
    ),
}

_VALUES = {
    "auto-creation-off": ProblemCode(
        "An address sets `auto_creation.type` without `auto_creation.enabled`; Twilio creates it with auto-creation "
        "off.",
        "Set `auto_creation.enabled` to `true` or `false`.",
    ),
    "blank-at-end": ProblemCode(
        "A value starts or ends with whitespace or a line break.",
        "Remove it. In a YAML block, write `>-` or `|-` instead of `>` or `|`.",
    ),
    "doubtful-length": ProblemCode(
        "A text is longer than Twilio documents, or longer than is known to work.",
        "Shorten it to the length in the message.",
    ),
    "duplicate-item": ProblemCode("A list contains the same item twice.", "Remove one of them."),
    "empty-value": ProblemCode(
        "A key without a value clears the field.",
        "Write `null` if this is intended. To keep the live value, remove the line; with a ledger, also list the field "
        "under `removed`.",
    ),
    "incomplete-resource": ProblemCode(
        "A resource lacks a field that Twilio requires on create. This is a warning if an existing resource does not "
        "need the field.",
        "Add the field in the message.",
    ),
    "inconsistent": ProblemCode(
        "Fields of a resource contradict each other, such as a Studio flow on a webhook with a different `target`.",
        "Remove the field, or change the field that it depends on, as the hint says.",
    ),
    "invisible-character": ProblemCode(
        "A name, URL, or secret contains an invisible character, or a character damaged by a wrong encoding.",
        "Type the text again, and save the file as UTF-8.",
    ),
    "json-spelling": ProblemCode(
        "A value in `attributes` is sent differently from how it is written, such as `1_000` or `yes`.",
        "Quote it to send text, or write the number or boolean in JSON syntax.",
    ),
    "misplaced-event": ProblemCode(
        "A webhook filter is an event that this type of webhook never receives.",
        "Use the event in the hint, or move the filter to the other webhook.",
    ),
    "not-clearable": ProblemCode(
        "A field is `null` or empty, but Twilio cannot clear it.",
        "Write a value. To keep the live value, remove the line; with a ledger, also list the field under `removed`.",
    ),
    "out-of-range": ProblemCode(
        "A number or a timer is below its minimum or above its maximum.", "Write a value within the range."
    ),
    "too-long": ProblemCode(
        "A text is longer than Twilio accepts.", "Shorten it. The limit of `attributes` counts bytes of JSON."
    ),
    "too-many": ProblemCode(
        "A parent contains more resources than Twilio allows, such as a sixth webhook of a conversation; or there are "
        "more than 10,000 problems.",
        "Remove one; or fix the listed problems and run the command again.",
    ),
    "unknown-choice": ProblemCode("A value is not one of the allowed values.", "Use one of the values in the hint."),
    "unknown-field": ProblemCode(
        "A resource has an unknown field.", "Correct the name. `schemas/README.md` lists every field."
    ),
    "unknown-key": ProblemCode("A mapping has an unknown key.", "Correct the name, or remove the key."),
    "unknown-word": ProblemCode(
        "A permission, webhook filter, or type is unknown to this release.",
        "Correct the spelling. If Twilio added the value after this release, list the warning under `acknowledge`.",
    ),
    "unusual-address": ProblemCode(
        "A messaging address does not have the form of its channel, or a participant's two addresses are of different "
        "channels.",
        "Write it like the examples in the hint. Phone numbers start with `+`.",
    ),
    "word-of-other-type": ProblemCode(
        "A permission belongs to roles of the other type.", "Remove the permission, or change the role's `type`."
    ),
    "wrong-sid": ProblemCode(
        "A SID is malformed, or belongs to a different type of resource.",
        "Copy the SID from the Twilio Console. The message shows the expected prefix.",
    ),
    "wrong-type": ProblemCode(
        "A value has the wrong YAML type, such as a list instead of a mapping.",
        "Write the value as shown in the hint.",
    ),
}

_RESOURCES = {
    "absent-and-protected": ProblemCode(
        "A resource has both `absent: true` and `lifecycle.prevent_destroy`.", "Remove one of the two."
    ),
    "contradicting-default": ProblemCode(
        "A service is pinned with `sid: default`, but `account.configuration.default_service` is another service.",
        "Pin the service by its SID, or set it as `default_service`.",
    ),
    "declared-twice": ProblemCode(
        "Two resources have the same natural key, or share a field that must be unique.",
        "Remove one of them, or give them different names.",
    ),
    "empty-prune": ProblemCode(
        "A collection under `prune` has no value, possibly because its lines are commented out.",
        "Write `{}` to prune every undeclared member, or remove the key to prune nothing.",
    ),
    "exchanged-names": ProblemCode(
        "Resources swap their names with `renamed_from`.",
        "Rename one of them to a third name, apply, and then rename it again.",
    ),
    "like-built-in": ProblemCode(
        "The name of a role is similar to the name of a built-in role, but not identical.",
        "To change the built-in role, write its exact name. Otherwise, choose a less similar name.",
    ),
    "malformed-address": ProblemCode(
        "An address in `approvals` or `acknowledge` cannot be parsed.",
        'Write it as a plan shows it, such as `services.support.roles.agent` or `addresses["+14155550100"]`.',
    ),
    "malformed-handle": ProblemCode(
        "A handle cannot be used in an address: it is empty, looks like a SID, or contains an expression or a control "
        "character.",
        "Choose a plain name. Use expressions in the natural key instead, and pin a resource with `sid`.",
    ),
    "misplaced-pin": ProblemCode("A template has a `sid`.", "Write `sid` in the service that uses the template."),
    "missing-key": ProblemCode(
        "An item of `approvals` lacks its `address`, or an item of `acknowledge` its `code`.", "Add the key."
    ),
    "nested-template": ProblemCode("A template uses another template.", "Copy the shared values into both templates."),
    "pinned-twice": ProblemCode("Two resources are pinned to the same SID.", "Correct or remove one of the pins."),
    "prune-of-nothing": ProblemCode(
        "`prune` lists a collection that the configuration does not contain.",
        "Declare the collection. To delete every member, write `{}`.",
    ),
    "reference-to-absent": ProblemCode(
        "A resource refers to a resource with `absent: true`.", "Refer to a different resource, or remove `absent`."
    ),
    "renamed-from-itself": ProblemCode("`renamed_from` is the current name.", "Remove `renamed_from`."),
    "second-proxy": ProblemCode(
        "An address participates in a conversation through two proxy addresses and would receive every message twice.",
        "Remove one of the participants, or pin the live participant with `sid`.",
    ),
    "similar-names": ProblemCode(
        "The names of two resources look the same but are different to Twilio.",
        "Use the same spelling to declare one resource, or make the difference visible.",
    ),
    "unknown-collection": ProblemCode(
        "`prune` lists a collection that cannot be pruned here.", "Use one of the names in the hint."
    ),
    "unknown-reference": ProblemCode(
        "A reference names a resource that the configuration does not declare.",
        "Correct the handle, declare the resource, or write its SID.",
    ),
    "unknown-template": ProblemCode(
        "A service uses a template that is not defined.", "Correct the name, or define it under `templates`."
    ),
    "unnormalized-name": ProblemCode(
        "A name is not in Unicode normalization form C (NFC), so a name that looks the same can be different.",
        "Type the name again, or convert it to NFC.",
    ),
    "wrong-role-type": ProblemCode(
        "A reference to a role has the wrong role type.", "Refer to a role of the type in the hint."
    ),
}

_LEDGER = {
    "apply-in-progress": ProblemCode(
        "Another apply of this environment is in progress, so the plan shows changes that it is about to make.",
        "Wait until the apply ends, and plan again.",
    ),
    "interpolated-ledger": ProblemCode(
        "`ledger` contains `${…}`, so different users could use different ledgers.",
        "Write the value without an expression.",
    ),
    "ledger-ahead": ProblemCode(
        "The ledger in this clone has an entry that could not be pushed, so applies of other clones may be blocked.",
        "Run `reconciler ledger push`, or apply again.",
    ),
    "ledger-behind": ProblemCode(
        "The ledger in the remote has a newer entry than the ledger in this clone.",
        "Fetch the ledger's refs and update the clone, as the message says, and plan again.",
    ),
    "ledger-moved": ProblemCode(
        "Another apply was recorded after the plan was made. The plan was made again, with what is recorded now.",
        "Nothing needs to be done: only changes that the approved plan contains are applied.",
    ),
    "left-behind": ProblemCode(
        "A service has a new name under the same handle. The former one stays, and the ledger no longer remembers it.",
        "To delete it, declare it under another handle with `absent: true`, and approve the delete.",
    ),
    "ledger-not-used": ProblemCode(
        "The ledger is not used, because it belongs to a different account than the emulated one.",
        "No action is required. To keep a ledger for the emulated account, use a different environment.",
    ),
    "older-commit": ProblemCode(
        "The commit is older than the one that the ledger's newest entry applied, so the plan would roll it back.",
        "Run `git pull`, and plan again. To roll back, use `apply --rollback`.",
    ),
    "ledger-started": ProblemCode(
        "`--start-ledger` begins a ledger. The declared resources that exist count as created by `reconciler`.",
        "To stop managing one without deleting it, list it under `removed` with `action: forget`.",
    ),
    "malformed-ref": ProblemCode(
        "The ref prefix or the remote in `ledger` is invalid.",
        "Use a prefix such as `refs/reconciler/sales`, and a remote that `git remote` lists.",
    ),
    "misplaced-ledger": ProblemCode(
        "An included file or an overlay has a `ledger`.", "Move it to the root file, which all environments share."
    ),
    "not-returned": ProblemCode(
        "A field is no longer declared, but cannot be reset to its previous value. It is not changed.",
        "No action is required. To change the field, declare it.",
    ),
    "other-ledger-key": ProblemCode(
        "The ledger cannot be verified, because different credentials or a different plan key signed it.",
        "Set `RECONCILER_PLAN_KEY` to the same value for every plan and apply.",
    ),
    "reserved-name": ProblemCode(
        "The name of an environment is reserved by the ledger for configurations without environments.",
        "Rename the environment.",
    ),
    "pruned-anyway": ProblemCode(
        "An item of `removed` is to keep a resource, but a prune rule deletes it: in a pruned collection, `prune` "
        "decides.",
        "Add the name to `except` of `prune`, or remove the item.",
    ),
    "stale-removed": ProblemCode("An item of `removed` is declared, or was never applied.", "Remove the item."),
    "unknown-order": ProblemCode(
        "The clone is too shallow to determine whether the commit is older than the last applied one.",
        "Fetch the history, as the message says.",
    ),
}

_SECRETS = {
    "expired-certificate": ProblemCode(
        "A push certificate has expired.", "Get a new certificate from Apple, or remove the line to keep it."
    ),
    "expiring-certificate": ProblemCode(
        "A push certificate expires within 30 days.", "Get a new certificate from Apple, and send it with `--rotate`."
    ),
    "future-certificate": ProblemCode(
        "A push certificate is not valid yet.", "Wait until the date in the message, or use another certificate."
    ),
    "key-mismatch": ProblemCode(
        "A private key does not belong to the certificate.",
        "Use the private key that was used to request the certificate.",
    ),
    "legacy-key": ProblemCode(
        "An FCM credential contains a legacy server key, which Firebase no longer accepts.",
        "Create a service account key in the Firebase console, and use the JSON file.",
    ),
    "literal-secret": ProblemCode(
        "A certificate or key is written literally in the configuration.", "Use `${secret:NAME}` or `${file:PATH}`."
    ),
    "malformed-certificate": ProblemCode(
        "A push certificate cannot be read as PEM.", "Convert it: `openssl x509 -in FILE -out CERT.pem`."
    ),
    "malformed-key": ProblemCode(
        "A private key cannot be read as PEM, or the JSON of a service account is invalid or incomplete.",
        "Convert a private key with `openssl pkey -in FILE -out KEY.pem`. Use the whole service account JSON file.",
    ),
    "malformed-url": ProblemCode(
        "A value is not an absolute http or https URL, or contains a space or a line break.",
        "Write a URL such as `https://host/path`, and encode spaces as `%20`.",
    ),
    "non-ascii-host": ProblemCode(
        "The host of a URL contains non-ASCII characters, which may look like other characters.",
        "Write the host in ASCII (`xn--…`), so that reviewers see where requests go.",
    ),
    "obsolete-type": ProblemCode(
        "A credential is of type `gcm`, a service that Google has shut down.",
        "Use `type: fcm` with a service account key.",
    ),
    "quoted-value": ProblemCode(
        "A secret is enclosed in quotes, which would be sent as part of the secret.",
        "Remove the quotes where the variable is set. Docker env files and some CI services keep them.",
    ),
    "surplus-text": ProblemCode(
        "There is text before or after the PEM block of a certificate or key.",
        "Keep only the block from `-----BEGIN` to `-----END`.",
    ),
    "unusual-key": ProblemCode(
        "The secret of an FCM credential is neither a service account's JSON nor a server key.",
        "Use the JSON file as you downloaded it: `${file:service-account.json}`.",
    ),
    "url-structure": ProblemCode(
        "An interpolated value changes the host, the path, or the parameters of its URL.",
        "Percent-encode the value where it is set: `#` as `%23`, `&` as `%26`, and `+` as `%2B`.",
    ),
    "windows-line-breaks": ProblemCode(
        "A certificate or key has Windows line breaks (CRLF).", r"Convert it: `sed -i 's/\r$//' FILE`."
    ),
    "wrong-network": ProblemCode(
        "`sandbox` does not match the network that the push certificate is for.",
        "Correct `sandbox`, or use the other certificate.",
    ),
}

_MATCHING = {
    "ambiguous-name": ProblemCode(
        "Several live resources have the declared name.", "Pin the intended one with `sid: …`."
    ),
    "dead-pin": ProblemCode(
        "A resource is pinned to a SID that does not exist in its parent.",
        "Correct the SID, or remove it to match the resource by name.",
    ),
    "dead-service": ProblemCode(
        "A live address or setting directs traffic to a service that does not exist.",
        "Set the field in the message to an existing service.",
    ),
    "left-over": ProblemCode(
        "An unmanaged resource has the name of a declared one but a different type, possibly because a replace was "
        "interrupted.",
        "Delete it with `{sid: …, absent: true}`, declare it, or list it under `unmanaged.ignore`.",
    ),
    "no-default-service": ProblemCode(
        "A service is pinned with `sid: default`, but the account has no default service.",
        "Pin it by its SID, or remove the pin.",
    ),
    "two-addresses": ProblemCode("Two declared resources match the same live resource.", "Declare it once."),
    "unclear-rename": ProblemCode(
        "In a chain of renames, a live resource may be the new one of its name or the former one of the next: the "
        "renames were interrupted, and the journal is missing.",
        "If it is the former one, move what refers to it, delete it, and apply again. Otherwise, remove the "
        "`renamed_from` that names it.",
    ),
    "unknown-built-in": ProblemCode(
        "A reference names a built-in role that does not exist in the live service, or exists more than once.",
        "Refer to the role by its SID, or declare it.",
    ),
    "unknown-sid": ProblemCode(
        "A reference is a SID that does not exist in the account or service.",
        "Correct the SID, or refer to the resource by its handle.",
    ),
    "unreadable": ProblemCode(
        "A collection cannot be read, so the resources that depend on it are not planned (exit code 1).",
        "Give the API key permission to read it, or exclude the resources with `--exclude`.",
    ),
    "wrong-account": ProblemCode(
        "The credentials or the emulator's file belong to a different account than the configuration declares.",
        "Use the credentials of the declared account, a different environment (`--env`), or a new `--emulator` file.",
    ),
}

_PLANNING = {
    "absent-but-needed": ProblemCode(
        "A user is `absent` but participates in a declared conversation, which would create the user again.",
        "Remove the participant, or remove `absent`.",
    ),
    "cannot-be": ProblemCode(
        "The combination of declared and live fields is invalid.",
        "Declare the field in the message with a valid value, as the hint says.",
    ),
    "cannot-carry": ProblemCode(
        "A replace would have to copy a field under `ignore_changes`, but its live value is invalid for the new "
        "resource.",
        "Remove the field from `ignore_changes`, so that the new resource gets the declared value.",
    ),
    "cannot-replace": ProblemCode(
        "A change requires a replace that is not possible: a service, a pinned resource, or a role that Twilio or Flex "
        "created.",
        "Reset the field to its live value, or declare an additional resource. Instead of `sid`, use `renamed_from`.",
    ),
    "done-absent": ProblemCode(
        "The resource with `absent: true` does not exist; there is nothing to delete.",
        "Remove it from the configuration.",
    ),
    "done-approval": ProblemCode(
        "An item of `approvals` approves nothing in this plan.", "Remove it after its change has been applied."
    ),
    "not-compared": ProblemCode(
        "A value was compared only in part, because a secret in it is not set.", "Set the environment variable."
    ),
    "not-completed": ProblemCode(
        "An interrupted rename left an old resource that the configuration no longer mentions. It is not changed.",
        "To delete it, declare it as `{sid: …, absent: true}`.",
    ),
    "not-restored": ProblemCode(
        "An interrupted apply saved values of a deleted resource, and this plan does not restore them, or cannot "
        "restore all of them.",
        "Declare the resource or the values, or run the command where `.reconciler/` of that apply is. To discard "
        "them, delete the file in the message.",
    ),
    "nothing-to-rotate": ProblemCode(
        "`--rotate` names a resource that has no write-only values to send.",
        "Use an address from the hint, or remove the option.",
    ),
    "renamed-but-needed": ProblemCode(
        "A user is renamed, but a declared participant still has the user's former identity.",
        "Change the participant's identity, or remove `renamed_from`.",
    ),
    "stale-renamed-from": ProblemCode(
        "A rename is complete, or both the old and the new name exist.",
        "Remove `renamed_from`. To delete the old resource, declare it as `{sid: …, absent: true}`.",
    ),
    "swapped-names": ProblemCode(
        "Live resources swap their names, but two resources cannot have the same name at the same time.",
        "Rename one of them to a third name, apply, and then apply this configuration.",
    ),
    "unknown-address": ProblemCode(
        "The address in `--target`, `--exclude`, or `--rotate` matches no resource.",
        "Use an address shown in the plan.",
    ),
    "unused-absent": ProblemCode(
        "No resource has the exact name that `absent: true` should delete, but a similar name exists.",
        "Write the exact name, or pin the resource with `sid`.",
    ),
    "unsealed-report": ProblemCode(
        "The report that is undone was edited, or its apply had other credentials or another `RECONCILER_PLAN_KEY`.",
        "Use the credentials, or the `RECONCILER_PLAN_KEY`, of the apply. Otherwise check each change; deletes, "
        "replaces, and high-risk updates require `--approve`.",
    ),
    "unused-acknowledgement": ProblemCode(
        "An item of `acknowledge` matches no warning.", "Remove the item, or correct its code or address."
    ),
    "unused-approval": ProblemCode(
        "An approval matches no change in the plan, or a change with a different action.",
        "Use the address and the action shown in the plan.",
    ),
    "unused-except": ProblemCode(
        "An `except` pattern of `prune` matches no name.",
        "Patterns match natural keys, not handles or SIDs. Correct the pattern, or remove it.",
    ),
    "unused-ignore": ProblemCode(
        "A pattern of `unmanaged.ignore` matches no unmanaged resource and no undeclared setting.",
        "Use an address shown in the plan, or the address and field of a setting in `drift`; or remove the pattern.",
    ),
    "unused-match": ProblemCode(
        "A `match` pattern of `prune` matches no name.",
        "Patterns match natural keys, not handles or SIDs. Correct the pattern, or remove it.",
    ),
    "unused-renamed-from": ProblemCode(
        "`renamed_from` has no effect: no resource has the former name, or the resource is absent or pinned.",
        "Write the exact former name, or remove `renamed_from`.",
    ),
}

_COMPARING = {
    "guard-differs": ProblemCode(
        "`prune`, `limits`, `approvals`, or `lifecycle` differ between the two configurations.",
        "Check that the new values are intended.",
    ),
    "no-longer-managed": ProblemCode(
        "The second configuration no longer declares a field. Without a ledger, the account keeps its value; with one, "
        "an apply resets or clears it.",
        "To clear the field without a ledger, set it to `null`. To keep its value with one, list it under `removed`.",
    ),
    "not-sent": ProblemCode(
        "A write-only value differs. No plan can see the difference, because Twilio never returns the value.",
        "Send the new value with `--rotate ADDRESS`.",
    ),
}

TOPICS: Mapping[str, Mapping[str, ProblemCode]] = {
    "Files and YAML": _FILES,
    "Interpolation and environments": _INTERPOLATION,
    "Values": _VALUES,
    "Resources and references": _RESOURCES,
    "Ledger": _LEDGER,
    "Secrets, certificates, and URLs": _SECRETS,
    "Matching with the account": _MATCHING,
    "Planning": _PLANNING,
    "Comparing two configurations": _COMPARING,
}
"""Every code, by the topic under which the documentation lists it."""

PROBLEM_CODES: Mapping[str, ProblemCode] = {
    code: meaning for topic in TOPICS.values() for code, meaning in topic.items()
}
"""Every code with its meaning."""
