from sqlalchemy.orm import Session

from app.catalog.public_lists import catalog_key, find_public_list, outdate_public_lists, store_public_list
from app.core.platform import Platform


def outdate(platform: Platform, *, is_committed: bool = True) -> None:
    session: Session
    with platform.database.session() as session:
        outdate_public_lists(session, platform.cache)
        session.connection()
        session.commit() if is_committed else session.rollback()


def test_a_stored_list_is_found_until_a_change_commits(platform):
    key = catalog_key(platform.cache)
    store_public_list(platform.cache, key, [{"slug": "a"}])
    assert find_public_list(platform.cache, catalog_key(platform.cache)) == [{"slug": "a"}]
    outdate(platform, is_committed=False)
    assert find_public_list(platform.cache, catalog_key(platform.cache)) == [{"slug": "a"}]
    outdate(platform)
    assert find_public_list(platform.cache, catalog_key(platform.cache)) is None


def test_a_reader_who_stores_late_stores_where_nobody_looks(platform):
    key = catalog_key(platform.cache)
    outdate(platform)
    store_public_list(platform.cache, key, [{"slug": "read before the change"}])
    assert find_public_list(platform.cache, catalog_key(platform.cache)) is None
