"""The REST catalog of stub.py, at /rest: a warehouse `w` with the prefix `stub/w`, namespaces joined by %2E, tables in
memory. Bearer tokens: `fixed`, or what /rest/v1/oauth/tokens gives to the client `stub` with the secret `stubsecret`.
An answer to an Idempotency-Key is given again when the key comes again. With a file DIRECTORY/no-vending no keys are
handed out with a table, with DIRECTORY/no-idempotency the catalog knows no Idempotency-Key.
"""
import json
import os
import threading
import time
import urllib.parse
import uuid

PREFIX = '/v1/stub/w'


class Refused(Exception):
    def __init__(self, status, kind, message=''):
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message or kind


class Catalog:
    def __init__(self, directory, port):
        self.directory, self.port, self.lock = directory, port, threading.RLock()
        self.tokens, self.namespaces, self.tables, self.kept = {'fixed'}, set(), {}, {}

    def error(self, status, kind, message=''):
        body = {'error': {'message': message or kind, 'type': kind, 'code': status}}
        return status, {'Content-Type': 'application/json'}, json.dumps(body).encode()

    def answer(self, method, path, query, headers, body):
        try:
            with self.lock:
                key = None if self.has('no-idempotency') else headers.get('idempotency-key')
                if key in self.kept:
                    return self.kept[key]
                answer = 200, {'Content-Type': 'application/json'}, json.dumps(
                    self.route(method, path, query, headers, body)).encode()
                if key:
                    self.kept[key] = answer
                return answer
        except Refused as refused:
            return self.error(refused.status, refused.kind, refused.message)

    def route(self, method, path, query, headers, body):
        if path == '/v1/oauth/tokens':
            return self.token(headers, dict(urllib.parse.parse_qsl(body.decode())))
        if headers.get('authorization', '')[:7] != 'Bearer ' or headers['authorization'][7:] not in self.tokens:
            raise Refused(401, 'NotAuthorizedException')
        if path == '/v1/config':
            if query != 'warehouse=w':
                raise Refused(404, 'NoSuchWarehouseException')
            keys = {} if self.has('no-idempotency') else {'idempotency-key-lifetime': 'PT30M'}
            return {'defaults': {'prefix': 'not/this'}, **keys,
                    'overrides': {'prefix': 'stub/w', 'namespace-separator': '%2E'}}
        if not path.startswith(PREFIX + '/namespaces'):
            raise Refused(404, 'NotFoundException', f'no such route: {path}')
        steps = path[len(PREFIX + '/namespaces'):].split('/')[1:]
        sent = json.loads(body) if body else None
        if method == 'POST' and not steps:
            return self.make_namespace(sent)
        if method == 'POST' and len(steps) == 2 and steps[1] == 'tables':
            return self.make_table(steps[0], sent, headers)
        if len(steps) == 3 and steps[1] == 'tables' and method == 'GET':
            return self.loaded(self.table(steps), headers)
        if len(steps) == 3 and steps[1] == 'tables' and method == 'POST':
            return self.commit(self.table(steps), sent)
        raise Refused(404, 'NotFoundException', f'no such route: {method} {path}')

    def token(self, headers, form):
        if headers.get('content-type') != 'application/x-www-form-urlencoded':
            raise Refused(415, 'invalid_request')
        if form.get('grant_type') != 'client_credentials':
            raise Refused(400, 'invalid_request')
        if [form.get(name) for name in ('client_id', 'client_secret', 'scope')] != ['stub', 'stubsecret', 'catalog']:
            raise Refused(401, 'invalid_client')
        token = f'token-{uuid.uuid4()}'
        self.tokens.add(token)
        return {'access_token': token, 'token_type': 'bearer', 'expires_in': 3600,
                'issued_token_type': 'urn:ietf:params:oauth:token-type:access_token'}

    def make_namespace(self, sent):
        name = '%2E'.join(sent['namespace'])
        if name in self.namespaces:
            raise Refused(409, 'AlreadyExistsException')
        self.namespaces.add(name)
        return {'namespace': sent['namespace'], 'properties': {}}

    def make_table(self, namespace, sent, headers):
        if namespace not in self.namespaces:
            raise Refused(404, 'NoSuchNamespaceException')
        if sent.get('stage-create') is not False:
            raise Refused(500, 'RESTException', 'HTTP 400 Bad Request')
        if (namespace, sent['name']) in self.tables:
            raise Refused(409, 'AlreadyExistsException')
        schema, spec = sent['schema'], sent['partition-spec']
        properties = dict(sent.get('properties', {}))
        version = int(properties.pop('format-version', 2))
        self.tables[namespace, sent['name']] = {
            'format-version': version, 'table-uuid': str(uuid.uuid4()),
            'location': f's3://lake/warehouse/{namespace.replace("%2E", "/")}/{sent["name"]}',
            'last-sequence-number': 0, 'last-updated-ms': int(time.time() * 1000),
            'last-column-id': max(field['id'] for field in schema['fields']),
            'schemas': [dict(schema, **{'schema-id': 0})],
            'current-schema-id': 0, 'partition-specs': [dict(spec, **{'spec-id': 0})], 'default-spec-id': 0,
            'last-partition-id': max([999] + [field['field-id'] for field in spec['fields']]),
            'sort-orders': [{'order-id': 0, 'fields': []}], 'default-sort-order-id': 0, 'properties': properties,
            'snapshots': [], 'snapshot-log': [], 'metadata-log': [], 'refs': {}}
        return self.loaded(self.tables[namespace, sent['name']], headers)

    def table(self, steps):
        key = steps[0], urllib.parse.unquote(steps[2])
        if key not in self.tables:
            raise Refused(404, 'NoSuchTableException')
        return self.tables[key]

    def loaded(self, table, headers):
        answer = {'metadata-location': f'http://127.0.0.1:{self.port}/never/ask/this', 'metadata': table, 'config': {}}
        if headers.get('x-iceberg-access-delegation') == 'vended-credentials' and not self.has('no-vending'):
            keys = {'s3.access-key-id': 'stubAK', 's3.secret-access-key': 'stubSK'}
            if self.has('session'):
                keys['s3.session-token'] = open(os.path.join(self.directory, 'session')).read()
            wrong = {'s3.access-key-id': 'wrong', 's3.secret-access-key': 'wrong', 'client.region': 'us-east-1'}
            answer['config'] = wrong
            answer['storage-credentials'] = [{'prefix': 's3://other', 'config': wrong},
                                             {'prefix': 's3://lake', 'config': keys}]
        return answer

    def has(self, name):
        return os.path.exists(os.path.join(self.directory, name))

    def commit(self, table, sent):
        for requirement in sent['requirements']:
            self.require(table, requirement)
        changed = json.loads(json.dumps(table))
        for update in sent['updates']:
            self.apply(changed, update)
        changed['last-updated-ms'] = int(time.time() * 1000)
        table.update(changed)
        return {'metadata-location': f'http://127.0.0.1:{self.port}/never/ask/this', 'metadata': table}

    def require(self, table, r):
        ref = table['refs'].get(r.get('ref'), {}).get('snapshot-id')
        holds = {
            'assert-table-uuid': lambda: r['uuid'] == table['table-uuid'],
            'assert-ref-snapshot-id': lambda: r['snapshot-id'] == ref,
            'assert-current-schema-id': lambda: r['current-schema-id'] == table['current-schema-id'],
            'assert-last-assigned-field-id': lambda: r['last-assigned-field-id'] == table['last-column-id'],
        }.get(r['type'])
        if not holds:
            raise Refused(400, 'BadRequestException', f'unknown requirement: {r}')
        if not holds():
            raise Refused(409, 'CommitFailedException', f'does not hold: {r}')

    def apply(self, t, u):
        action = u['action']
        if action == 'add-snapshot':
            snapshot = u['snapshot']
            if snapshot['sequence-number'] <= t['last-sequence-number']:
                raise Refused(400, 'ValidationException', 'the sequence number is not larger')
            t['last-sequence-number'] = snapshot['sequence-number']
            t['snapshots'].append(snapshot)
        elif action == 'set-snapshot-ref':
            if u['snapshot-id'] not in [s['snapshot-id'] for s in t['snapshots']]:
                raise Refused(400, 'ValidationException', 'no such snapshot')
            t['refs'][u['ref-name']] = {'snapshot-id': u['snapshot-id'], 'type': u['type']}
            if u['ref-name'] == 'main':
                t['current-snapshot-id'] = u['snapshot-id']
                t['snapshot-log'].append({'snapshot-id': u['snapshot-id'], 'timestamp-ms': int(time.time() * 1000)})
        elif action == 'set-properties':
            t['properties'].update(u['updates'])
        elif action == 'remove-properties':
            for name in u['removals']:
                t['properties'].pop(name, None)
        elif action == 'add-schema':
            number = max(s['schema-id'] for s in t['schemas']) + 1
            t['schemas'].append(dict(u['schema'], **{'schema-id': number}))
            t['last-column-id'] = max([t['last-column-id']] + [field['id'] for field in u['schema']['fields']])
        elif action == 'set-current-schema':
            t['current-schema-id'] = u['schema-id'] if u['schema-id'] >= 0 else t['schemas'][-1]['schema-id']
        elif action == 'remove-snapshots':
            if t.get('current-snapshot-id') in u['snapshot-ids']:
                raise Refused(400, 'ValidationException', 'the current snapshot')
            t['snapshots'] = [s for s in t['snapshots'] if s['snapshot-id'] not in u['snapshot-ids']]
        else:
            raise Refused(400, 'BadRequestException', f'unknown update: {action}')
