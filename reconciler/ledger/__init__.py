"""The ledger: a record of applies, in commits on a ref of the configuration's git repository.

    options        the command-line options
    ref_names      names of refs
    run_identity   the identity of this run
    repository     git itself: objects, refs, the remote
    records        the record of each address (pure)
    entries        the entries on the ref, newest first
    lock           whether the newest entry still blocks other applies
    remote_ref     the local ref compared with that of the remote
    preconditions  the conditions for the use of a ledger, each with its fix
    opening        finds the ledger of a configuration
    writing        the two entries of an apply
    managing       lists, pushes, and renames a ledger

The core does not know that the ledger is in git: `reconciler.planning.baseline` has what a plan needs of it.
"""
