"""Records the task definitions and requests that the reference's ECS worker makes of job
variables: python record.py > recorded.json, with prefect and prefect-aws installed."""

import asyncio
import json
import sys
from types import SimpleNamespace
from unittest import mock
from uuid import UUID

from prefect_aws.workers.ecs_worker import ECSJobConfiguration, ECSWorker

ARN = "arn:aws:ecs:us-east-1:123456789012:task-definition/family:1"
LABELS = {"prefect.io/flow-run-id": "00000000-0000-0000-0000-000000000001", "prefect.io/flow-run-name": "wide  Ünit & co"}
ENV = {"PREFECT_API_URL": "http://x/api", "PREFECT_API_KEY": "k", "B": "2"}
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "assignPublicIp": "ENABLED", "securityGroups": []}}

CASES = {
    "defaults": {},
    "image and size": {"image": "i:1", "cpu": 256, "memory": 512},
    "command": {"command": "sh -c 'echo \"a b\"'"},
    "cluster and roles": {"cluster": "c", "execution_role_arn": "arn:e", "task_role_arn": "arn:t"},
    "family": {"family": "my family/1"},
    "ec2": {"launch_type": "EC2", "cpu": 100},
    "external": {"launch_type": "EXTERNAL"},
    "spot": {"launch_type": "FARGATE_SPOT"},
    "capacity": {"capacity_provider_strategy": [{"capacityProvider": "p", "weight": 1, "base": 0}]},
    "env and labels": {"env": {"A": "1", "NONE": None}, "labels": {"team/x": "é y"}},
    "logs": {"configure_cloudwatch_logs": True, "execution_role_arn": "arn:e"},
    "logs with options": {"configure_cloudwatch_logs": True, "execution_role_arn": "arn:e", "cloudwatch_logs_options": {"awslogs-group": "g"}, "cloudwatch_logs_prefix": "p"},
    "secrets": {"prefect_api_key_secret_arn": "arn:s", "prefect_api_auth_string_secret_arn": "arn:a"},
    "deregister": {"auto_deregister_task_definition": True},
    "container": {"container_name": "prefect"},
    "network": {"vpc_id": "vpc-1", "network_configuration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}},
}

TASK = {
    "containerDefinitions": [{"name": "side", "image": "s"}, {"name": "main", "image": "m", "environment": [{"name": "A", "value": "x"}, {"name": "NONE", "value": "y"}], "secrets": [{"name": "PREFECT_API_KEY", "valueFrom": "old"}]}],
    "cpu": "{{ cpu }}", "family": "{{ family }}", "memory": "{{ memory }}", "volumes": [], "networkMode": "bridge", "requiresCompatibilities": ["EC2"],
}
OTHER = {
    "several containers": {"container_name": "main", "launch_type": "EC2", "env": {"NONE": None}, "prefect_api_key_secret_arn": "arn:new"},
    "the first of several": {"launch_type": "EC2"},
}


async def main():
    default = ECSWorker.get_default_base_job_template()
    other = json.loads(json.dumps(default))
    other["job_configuration"]["task_definition"] = TASK
    out = []
    for template, cases in ((default, CASES), (other, OTHER)):
        for name, variables in cases.items():
            out.append({"name": name, "own_task_definition": template is other, "variables": variables, **await make(template, variables)})
    json.dump({"env": ENV, "labels": LABELS, "task_definition": TASK, "cases": out}, sys.stdout, indent=1, sort_keys=True)


async def make(template, variables):
    config = await ECSJobConfiguration.from_template_and_values(template, variables, client=mock.MagicMock())
    config.command = config.command or "prefect flow-run execute"
    config.labels = {**LABELS, **config.labels}
    config.env = {**ENV, **config.env}
    for name, arn in (("PREFECT_API_KEY", config.prefect_api_key_secret_arn), ("PREFECT_API_AUTH_STRING", config.prefect_api_auth_string_secret_arn)):
        if arn:
            config.env.pop(name, None)
    worker = ECSWorker.__new__(ECSWorker)
    worker._work_pool_name = "pool"
    worker._logger = mock.MagicMock()
    run = SimpleNamespace(deployment_id=UUID(int=2), flow_id=UUID(int=3))
    definition = worker._prepare_task_definition(config, "us-east-1", run)
    network = {"awsvpcConfiguration": config.network_configuration}
    with mock.patch.object(ECSWorker, "_load_network_configuration", return_value=NETWORK), mock.patch.object(ECSWorker, "_custom_network_configuration", return_value=network):
        request = worker._prepare_task_run_request(config, definition, ARN, True)
    return {"definition": definition, "request": request}


asyncio.run(main())
