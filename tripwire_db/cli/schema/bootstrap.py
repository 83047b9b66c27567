"""`tripwire-db bootstrap`: prepare a server that is not Supabase."""

from tripwire_db.cli import options, output, targets


def bootstrap(database_url: options.DatabaseUrl = None, as_json: options.Json = False) -> None:
    """Prepare a plain PostgreSQL the way Supabase comes: schema auth and the API's roles.

    On Supabase nothing is touched. May be run again, and says what it found.
    """
    from tripwire_db.schema.bootstrap import bootstrap as prepare

    with targets.migrations(database_url, may_create=True) as target:
        done = prepare(target.url)
    if as_json:
        output.show_json(done)
    else:
        output.say(done.message)
