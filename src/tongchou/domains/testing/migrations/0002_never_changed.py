from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# Rows may be forgotten when their time is over, but what they say stays.
TABLES = ("testing_checkoff", "testing_custody", "testing_result")


def guard(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    for table in TABLES:
        if editor.connection.vendor == "sqlite":
            editor.execute(f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is never changed'); END")
        else:
            editor.execute(
                f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{table} is never changed'; END $$"
            )
            editor.execute(f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_refuse()")


def unguard(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    for table in TABLES:
        if editor.connection.vendor == "sqlite":
            editor.execute(f"DROP TRIGGER {table}_kept")
        else:
            editor.execute(f"DROP TRIGGER {table}_kept ON {table}")
            editor.execute(f"DROP FUNCTION {table}_refuse()")


class Migration(migrations.Migration):
    dependencies = [("testing", "0001_initial")]
    operations = [migrations.RunPython(guard, unguard)]
