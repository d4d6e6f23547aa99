"""A new database in the form of this version, at once.

Migrations walk through every form the tables ever had, and the longer the walk the longer a town waits for its first page: half a minute of
processor time for 250 steps. A database that holds nothing yet needs no walk: its tables are made as the last migration leaves them, the steps
that are programs (triggers, first rows) are run, and all are noted as done. A test holds the two ways to the same tables.
"""

from django.db import router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import RunPython, RunSQL


def holds_nothing(connection: BaseDatabaseWrapper) -> bool:
    """Whether no table is there yet."""
    return not connection.introspection.table_names()


def build(connection: BaseDatabaseWrapper) -> None:
    """Make every table that belongs into this database, in one transaction: a crash leaves it as empty as before."""
    executor = MigrationExecutor(connection)
    plan = [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    state = executor.loader.project_state()
    with connection.schema_editor(atomic=True) as editor:
        executor.recorder.ensure_schema()
        for model in state.apps.get_models():
            if model._meta.can_migrate(connection) and router.allow_migrate_model(connection.alias, model):
                editor.create_model(model)
        for statement in editor.deferred_sql:
            editor.execute(statement)
        editor.deferred_sql.clear()
        for migration in plan:
            for operation in migration.operations:
                if isinstance(operation, RunPython | RunSQL):
                    operation.database_forwards(migration.app_label, editor, state, state)
            executor.recorder.record_applied(migration.app_label, migration.name)
