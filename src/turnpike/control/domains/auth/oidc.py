"""stub"""


async def methods(session):
    return []


async def logout_url(control, session, session_id):
    return None
