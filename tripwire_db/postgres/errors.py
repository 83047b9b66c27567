"""A driver's error as the cause of ours: where it was raised and what it was, without the values of rows."""

import psycopg


class DatabaseSaid(Exception):
    """What the database said. The driver's own error would carry DETAIL, and with it rows, into every traceback.

    Attributes:
        sqlstate: five characters; None where no server answered.
        statement: the SQL with its placeholders, where SQLAlchemy ran it.
    """

    def __init__(self, message: str, sqlstate: str | None, statement: str | None) -> None:
        self.sqlstate = sqlstate
        self.statement = statement
        super().__init__(message)


def without_rows(error: BaseException) -> BaseException:
    """The cause to show for an error: of a driver's, its class, its SQLSTATE, its message, and where it was raised.

    DETAIL repeats rows, and so may the text of a bad value (class 22) or of somebody's RAISE. Any other error is given
    back as it is.

    Examples:
        >>> raise EmailTaken("another user has this e-mail") from without_rows(error)
    """
    driver = getattr(error, "orig", error)  # SQLAlchemy's errors repeat the statement's parameters, too
    if not isinstance(driver, psycopg.Error):
        return error
    state = driver.sqlstate
    if state is None:
        said = str(driver).partition("\n")[0]
    elif state.startswith("22") or state == "P0001":
        said = f"SQLSTATE {state}"
    else:
        said = f"SQLSTATE {state}: {driver.diag.message_primary}"
    told = DatabaseSaid(f"{type(driver).__name__}: {said}", state, getattr(error, "statement", None))
    return told.with_traceback(error.__traceback__)
