"""An auth object for whatever server the tests' databases are on."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.servers.admin_api import AdminApi
from tests.support.servers.postgres import Hosted
from tripwire_db import PostgresAuth, SupabaseAuth
from tripwire_db.embedded.hosted import HOSTED_SUPERUSER


@contextmanager
def auth_for(url: str) -> Iterator[PostgresAuth | SupabaseAuth]:
    """Give `PostgresAuth`; on hosted-like servers (`--hosted`), where that has no business, the Admin API before them."""
    if Hosted.privileges is None:
        with PostgresAuth(url) as stand_in:
            yield stand_in
        return
    superuser_url = url.replace("//postgres@", f"//{HOSTED_SUPERUSER}@")
    with AdminApi(superuser_url) as api, SupabaseAuth(api.url, api.service_role_key) as auth:
        yield auth
