"""`python -m tripwire_db.cli` is `tripwire-db`."""

from tripwire_db.cli.app import main

main()
