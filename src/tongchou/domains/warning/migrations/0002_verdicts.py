import json

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def read_the_log(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Verdicts given before this table was kept, from the log of acts; grade and shares are those of today, the older ones were not kept."""
    alarms = {str(a.pk): a for a in apps.get_model("warning", "Alarm").objects.select_related("dossier").prefetch_related("shares")}
    given = apps.get_model("audit", "Entry").objects.filter(
        subject_kind="dossier", action__in=("alarm.confirm", "alarm.dismiss", "alarm.verdict")
    )
    kept = apps.get_model("warning", "AlarmVerdict").objects
    for entry in given.order_by("seq"):
        alarm, verdict = alarms.get(entry.subject_id), json.loads(entry.detail).get("verdict")
        if alarm is not None and verdict:
            shares = {share.kind: share.share for share in alarm.shares.all()}
            kept.create(alarm=alarm, at=entry.at, verdict=verdict, grade=alarm.dossier.grade or "blue", shares=shares)


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
        ('warning', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='alarm',
            name='places',
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name='AlarmVerdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('verdict', models.CharField(max_length=8)),
                ('grade', models.CharField(max_length=8)),
                ('shares', models.JSONField(default=dict)),
                ('alarm', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='verdicts', to='warning.alarm')),
            ],
            options={
                'ordering': ['at', 'pk'],
                'indexes': [models.Index(fields=['at'], name='alarm_verdict_at')],
                'constraints': [models.CheckConstraint(condition=models.Q(('verdict__in', ('true', 'false', 'unclear'))), name='alarm_verdict_given')],
            },
        ),
        migrations.RunPython(read_the_log, migrations.RunPython.noop),
    ]
