#!/usr/bin/env bash
# A table of Azure Table Storage becomes a table of the lake, call by call. docs/tutorial.md explains each step.
#
#   BASE=http://127.0.0.1:8080 CLIENT_ID=… CLIENT_SECRET=… ORG_ID=… \
#   CONNECTION_STRING='DefaultEndpointsProtocol=…' TABLE=customers bash docs/tutorial.sh
#
# Needs bash, curl, grep, cut and sed.
set -euo pipefail

: "${BASE:=http://127.0.0.1:8080}" "${SANDBOX_NAME:=prod}" "${TABLE:=customers}"
: "${CLIENT_ID:?from: flowservice credentials show}" "${CLIENT_SECRET:?from: flowservice credentials show}"
: "${ORG_ID:?from: flowservice credentials show}" "${CONNECTION_STRING:?of the storage account}"

say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }
# value NAME: the first text member of that name in the JSON on standard input.
value() { grep -o "\"$1\":\"[^\"]*\"" | sed -n 1p | cut -d'"' -f4; }
# number NAME: the same for a number.
number() { grep -o "\"$1\":[0-9-]*" | sed -n 1p | cut -d: -f2; }
# Prints the answer; of a call that was refused, to standard error, and stops.
call() {
  local answer
  answer=$(curl --silent --show-error --fail-with-body "$@") || { printf '%s\n' "$answer" >&2; return 1; }
  printf '%s\n' "$answer"
}

say "1  An access token"
ACCESS_TOKEN=$(call -X POST \
  "$BASE/ims/token/v3" \
  -H 'Content-Type: application/x-www-form-urlencoded' \
  -d "grant_type=client_credentials&client_id=$CLIENT_ID&client_secret=$CLIENT_SECRET&scope=openid,AdobeID" |
  value access_token)
echo "signed in"

say "2  A base connection: the account"
BASE_CONNECTION_ID=$(call -X POST \
  "$BASE/data/foundation/flowservice/connections" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" \
  -H 'Content-Type: application/json' \
  -d '{
      "name": "Azure Table Storage connection",
      "description": "Azure Table Storage connection",
      "auth": {
          "specName": "Connection String Based Authentication",
          "params": {
              "connectionString": "'"$CONNECTION_STRING"'"
          }
      },
      "connectionSpec": {
          "id": "ecde33f2-c56f-46cc-bdea-ad151c16cd69",
          "version": "1.0"
      }
  }' | value id)
echo "base connection $BASE_CONNECTION_ID"

say "3  Explore the account: its tables, then one of them"
call -X GET \
  "$BASE/data/foundation/flowservice/connections/$BASE_CONNECTION_ID/explore?objectType=root" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME"
call -X GET \
  "$BASE/data/foundation/flowservice/connections/$BASE_CONNECTION_ID/explore?objectType=table&object=$TABLE" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" | grep -o '"name":"[^"]*","type":"[^"]*"'

say "4  A source connection: what to read"
SOURCE_CONNECTION_ID=$(call -X POST \
  "$BASE/data/foundation/flowservice/sourceConnections" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" \
  -H 'Content-Type: application/json' \
  -d '{
      "name": "Azure Table Storage source connection",
      "baseConnectionId": "'"$BASE_CONNECTION_ID"'",
      "description": "Azure Table Storage source connection",
      "data": {
          "format": "tabular"
      },
      "params": {
          "tableName": "'"$TABLE"'"
      },
      "connectionSpec": {
          "id": "ecde33f2-c56f-46cc-bdea-ad151c16cd69",
          "version": "1.0"
      }
  }' | value id)
echo "source connection $SOURCE_CONNECTION_ID"

say "5  A schema: what a row looks like in the lake"
TENANT=_$(call -X GET \
  "$BASE/data/foundation/schemaregistry/stats" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" | value tenantId)
FIELD_GROUP_ID=$(call -X POST \
  "$BASE/data/foundation/schemaregistry/tenant/fieldgroups" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" \
  -H 'Content-Type: application/json' \
  -d '{
      "type": "object",
      "title": "Fields of the shop",
      "meta:intendedToExtend": ["https://ns.adobe.com/xdm/context/profile"],
      "definitions": {
          "shop": {
              "properties": {
                  "'"$TENANT"'": {
                      "type": "object",
                      "properties": {
                          "loyaltyPoints": {
                              "type": "integer",
                              "minimum": -9007199254740991,
                              "maximum": 9007199254740991
                          },
                          "balance": {"type": "number"},
                          "visits": {"type": "integer"},
                          "isActive": {"type": "boolean"},
                          "score": {"type": "number"},
                          "note": {"type": "string"},
                          "avatar": {"type": "string"}
                      }
                  }
              }
          }
      },
      "allOf": [{"$ref": "#/definitions/shop"}]
  }' | value '$id')
SCHEMA_ID=$(call -X POST \
  "$BASE/data/foundation/schemaregistry/tenant/schemas" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" \
  -H 'Content-Type: application/json' \
  -d '{
      "type": "object",
      "title": "Customers of the shop, '"$(date +%s)"'",
      "description": "One customer a row",
      "allOf": [
          {"$ref": "https://ns.adobe.com/xdm/context/profile"},
          {"$ref": "https://ns.adobe.com/xdm/context/profile-person-details"},
          {"$ref": "https://ns.adobe.com/xdm/context/profile-personal-details"},
          {"$ref": "'"$FIELD_GROUP_ID"'"}
      ]
  }' | value '$id')
echo "schema $SCHEMA_ID"

say "6  A dataset: where the rows will lie"
DATASET_ID=$(call -X POST \
  "$BASE/data/foundation/catalog/dataSets" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" \
  -H 'Content-Type: application/json' \
  -d '{
      "name": "Customers of the shop",
      "schemaRef": {
          "id": "'"$SCHEMA_ID"'",
          "contentType": "application/vnd.adobe.xed-full-notext+json; version=1"
      }
  }' | grep -o '[0-9a-f]\{24\}')
echo "dataset $DATASET_ID"

say "7  A target connection: the way to the dataset"
TARGET_CONNECTION_ID=$(call -X POST \
  "$BASE/data/foundation/flowservice/targetConnections" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" \
  -H 'Content-Type: application/json' \
  -d '{
      "name": "Target connection for a database source",
      "description": "Target connection for a database source",
      "data": {
          "schema": {
              "id": "'"$SCHEMA_ID"'",
              "version": "application/vnd.adobe.xed-full+json;version=1"
          }
      },
      "params": {
          "dataSetId": "'"$DATASET_ID"'"
      },
      "connectionSpec": {
          "id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c",
          "version": "1.0"
      }
  }' | value id)
echo "target connection $TARGET_CONNECTION_ID"

say "8  A mapping: which column becomes which field"
# mapped COLUMN PATH: one mapping in the tutorial's form.
mapped() {
  printf '{"destinationXdmPath": "%s", "sourceAttribute": "%s", "identity": false, "version": 0}' "$2" "$1"
}
MAPPING_ID=$(call -X POST \
  "$BASE/data/foundation/conversion/mappingSets" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" \
  -H 'Content-Type: application/json' \
  -d '{
      "version": 0,
      "xdmSchema": "'"$SCHEMA_ID"'",
      "xdmVersion": "1.0",
      "id": null,
      "mappings": [
          '"$(mapped customerId _id)"',
          '"$(mapped firstName person.name.firstName)"',
          '"$(mapped lastName person.name.lastName)"',
          '"$(mapped birthDate person.birthDate)"',
          '"$(mapped email personalEmail.address)"',
          '"$(mapped phone mobilePhone.number)"',
          '"$(mapped PartitionKey homeAddress.countryCode)"',
          '"$(mapped createdAt _repo.createDate)"',
          '"$(mapped loyaltyPoints "$TENANT.loyaltyPoints")"',
          '"$(mapped balance "$TENANT.balance")"',
          '"$(mapped visits "$TENANT.visits")"',
          '"$(mapped isActive "$TENANT.isActive")"',
          '"$(mapped score "$TENANT.score")"',
          '"$(mapped note "$TENANT.note")"',
          '"$(mapped avatar "$TENANT.avatar")"'
      ]
  }' | value id)
echo "mapping set $MAPPING_ID"

say "9  The dataflow specification for tables"
FLOW_SPEC_ID=$(call -X GET \
  "$BASE/data/foundation/flowservice/flowSpecs?property=name==%22CRMToAEP%22" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" | value id)
echo "flow specification $FLOW_SPEC_ID"

say "10 The dataflow; it starts at once"
FLOW_ID=$(call -X POST \
  "$BASE/data/foundation/flowservice/flows" \
  -H "Authorization: Bearer $ACCESS_TOKEN" \
  -H "x-api-key: $CLIENT_ID" \
  -H "x-gw-ims-org-id: $ORG_ID" \
  -H "x-sandbox-name: $SANDBOX_NAME" \
  -H 'Content-Type: application/json' \
  -d '{
      "name": "Dataflow for a database source",
      "description": "Customers of the shop into the lake",
      "flowSpec": {
          "id": "'"$FLOW_SPEC_ID"'",
          "version": "1.0"
      },
      "sourceConnectionIds": [
          "'"$SOURCE_CONNECTION_ID"'"
      ],
      "targetConnectionIds": [
          "'"$TARGET_CONNECTION_ID"'"
      ],
      "transformations": [
          {
              "name": "Mapping",
              "params": {
                  "mappingId": "'"$MAPPING_ID"'",
                  "mappingVersion": 0
              }
          }
      ],
      "scheduleParams": {
          "startTime": "1567411548",
          "frequency": "once"
      }
  }' | value id)
echo "dataflow $FLOW_ID"

say "11 Its run, until it has ended"
STATUS=due
until [ "$STATUS" = success ] || [ "$STATUS" = partialSuccess ] || [ "$STATUS" = failed ]; do
  sleep 0.5
  RUNS=$(call -X GET \
    "$BASE/data/foundation/flowservice/runs?property=flowId==$FLOW_ID" \
    -H "Authorization: Bearer $ACCESS_TOKEN" \
    -H "x-api-key: $CLIENT_ID" \
    -H "x-gw-ims-org-id: $ORG_ID" \
    -H "x-sandbox-name: $SANDBOX_NAME")
  STATUS=$(printf '%s' "$RUNS" | value state || true)
done
echo "status  $STATUS"
echo "read    $(printf '%s' "$RUNS" | number inputRecordCount) rows"
echo "written $(printf '%s' "$RUNS" | number outputRecordCount) rows"
echo "dataset $DATASET_ID"
[ "$STATUS" != failed ]
