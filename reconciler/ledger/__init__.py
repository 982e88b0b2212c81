"""The ledger: what was applied last, in commits on a ref of the configuration's git repository.

    options        what the command line says
    ref_names      names of refs
    run_identity   who runs this command
    repository     git itself: objects, refs, the remote
    records        what is remembered of each address (pure)
    git_ref        the entries on the ref, newest first
    lock           whether the newest entry still blocks other applies
    remote_ref     the local ref beside that of the remote
    preconditions  what has to hold before a ledger is used, each with its fix
    opening        finds the ledger of a configuration
    writing        the two entries of an apply

The core does not know that the ledger is in git: `reconciler.planning.baseline` has what a plan needs of it.
"""
