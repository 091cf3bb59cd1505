"""The peer of `answer_calls`: one table behind FastAPI and SQLAlchemy, stored and read back unchecked.

python -m benchmarks.echo postgresql://…
"""

import socket
import sys
from typing import Annotated, Any
from uuid import uuid4

import sqlalchemy as sa
import uvicorn
from fastapi import Body, FastAPI, HTTPException
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """The one table's."""


class Row(Base):
    """A document and its id."""

    __tablename__ = "echo"
    id: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(sa.JSON)


def web(engine: sa.Engine) -> FastAPI:
    """Store, read and list, in the threads that FastAPI has for sync handlers."""
    app = FastAPI()

    @app.post("/rows", status_code=201)
    def store(document: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        row = Row(id=str(uuid4()), document=document)
        with Session(engine) as session:
            session.add(row)
            session.commit()
            return {"id": row.id, "document": row.document}

    @app.get("/rows/{row_id}")
    def read(row_id: str) -> dict[str, Any]:
        with Session(engine) as session:
            row = session.get(Row, row_id)
            if row is None:
                raise HTTPException(404)
            return {"id": row.id, "document": row.document}

    @app.get("/rows")
    def listed() -> list[dict[str, Any]]:
        with Session(engine) as session:
            rows = session.scalars(sa.select(Row).order_by(Row.id).limit(20))
            return [{"id": row.id, "document": row.document} for row in rows]

    return app


def main(url: str) -> None:
    """Serve until told to stop; says the port on standard output."""
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), pool_size=20)
    Base.metadata.create_all(engine)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(web(engine), log_config=None, access_log=False)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
