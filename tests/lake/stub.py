#!/usr/bin/env python3
"""stub.py DIRECTORY [CHANCE SEED]: a strict S3 and a REST catalog on a free port of 127.0.0.1 (DIRECTORY/port) until it is killed.
It is strict where others are kind, and fails on demand where others cannot. By TLS with files DIRECTORY/certificate and
DIRECTORY/key.

S3: path style, key stubAK, secret stubSK, region us-east-1; with a file DIRECTORY/session its text must come as session
token, else none. Every header x-amz-*, host and if-* must be signed, the path and the query encoded and sorted as they are
sent, the payload's hash right, the date within 15 minutes. The catalog, at /rest: stub_catalog.py.

DIRECTORY/requests: a line a request, `METHOD TARGET STATUS`; status 0: no answer was given.
DIRECTORY/faults: lines `KIND TIMES METHOD PATTERN`, read anew when the file is another one. The next TIMES requests of
METHOD (or *) whose target has PATTERN (a regular expression) in it meet what KIND says:
    NNN         answered with that status, nothing done      NNN-after   done, then answered with that status
    htmlNNN     that status with a page of HTML, nothing done
    conflict    409 ConditionalRequestConflict, nothing done
    within      200 that holds an error, nothing done
    cut         the connection is closed, nothing done       cut-after   done, then closed without an answer
    hang        no answer, nothing done                      hang-after  done, then no answer
    half        done, but half of the answer's body
With CHANCE (0.05: one in twenty) each request that no line speaks of meets one of them that passes, as SEED decides,
until there is a file DIRECTORY/calm.
"""
import datetime
import hashlib
import hmac
import os
import random
import re
import ssl
import sys
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

import stub_catalog

KEY, SECRET, REGION = 'stubAK', 'stubSK', 'us-east-1'
PAGE = 100  # keys of a listing
PART_MIN = 5 << 20
PASSING = ['500', '503', '500-after', 'html502', 'conflict', 'cut', 'cut-after', 'half']
EMPTY = hashlib.sha256(b'').hexdigest()

directory = sys.argv[1]
lock = threading.RLock()
buckets = set()
objects = {}  # (bucket, key): (content, etag, changed)
uploads = {}  # id: ((bucket, key), {number: (content, etag)})
log = open(os.path.join(directory, 'requests'), 'a', buffering=1)


class Refused(Exception):
    """An answer of S3 that is an error."""

    def __init__(self, status, code, message=''):
        super().__init__(f'{status} {code}')
        self.status, self.code, self.message = status, code, message or code


class Faults:
    def __init__(self):
        self.of, self.lines = None, []
        self.chance = float(sys.argv[2]) if len(sys.argv) > 2 else 0
        self.random = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 0)

    def any(self):
        calm = self.random.random() >= self.chance or os.path.exists(os.path.join(directory, 'calm'))
        return None if calm else self.random.choice(PASSING)

    def take(self, method, target):
        try:
            stat = os.stat(os.path.join(directory, 'faults'))
        except FileNotFoundError:
            return self.any()
        if self.of != (stat.st_ino, stat.st_mtime_ns):
            self.of = (stat.st_ino, stat.st_mtime_ns)
            with open(os.path.join(directory, 'faults')) as file:
                self.lines = [line.split(None, 3) for line in file if line.strip()]
        for line in self.lines:
            if int(line[1]) > 0 and line[2] in ('*', method) and re.search(line[3].strip(), target):
                line[1] = int(line[1]) - 1
                return line[0]
        return self.any()


faults = Faults()


def signature(secret, date, scope, canonical):
    key = ('AWS4' + secret).encode()
    for step in scope:
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    text = '\n'.join(['AWS4-HMAC-SHA256', date, '/'.join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def check_encoding(path, query):
    for segment in path.split('/') + re.split('[=&]', query):
        if segment != urllib.parse.quote(urllib.parse.unquote_to_bytes(segment), safe='-._~'):
            raise Refused(403, 'SignatureDoesNotMatch', f'not encoded as it must be: {segment}')
    pairs = query.split('&') if query else []
    if pairs != sorted(pairs) or any('=' not in pair for pair in pairs):
        raise Refused(403, 'SignatureDoesNotMatch', 'the query is not sorted, or lacks a =')


def check_signature(method, path, query, headers, body):
    found = re.fullmatch(r'AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/(s3)/(aws4_request), '
                         r'SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})', headers.get('authorization', ''))
    if not found:
        raise Refused(403, 'AccessDenied', 'no signature, or another kind of one')
    key, *scope, names, given = found.groups()
    names = names.split(';')
    must = [n for n in headers if n.startswith(('x-amz-', 'if-')) or n == 'host']
    if names != sorted(names) or not set(must) <= set(names):
        raise Refused(403, 'AccessDenied', f'not all of {must} are signed')
    if key != KEY:
        raise Refused(403, 'InvalidAccessKeyId')
    if scope[1] != REGION:
        raise Refused(400, 'AuthorizationHeaderMalformed', f"the region '{scope[1]}' is wrong; expecting '{REGION}'")
    date, content_hash = headers.get('x-amz-date', ''), headers.get('x-amz-content-sha256', '')
    if not re.fullmatch(r'\d{8}T\d{6}Z', date) or date[:8] != scope[0]:
        raise Refused(403, 'AccessDenied', 'no date, or another one')
    at = datetime.datetime.strptime(date, '%Y%m%dT%H%M%SZ').replace(tzinfo=datetime.timezone.utc)
    if abs(time.time() - at.timestamp()) > 900:
        raise Refused(403, 'RequestTimeTooSkewed')
    check_encoding(path, query)
    if content_hash != hashlib.sha256(body).hexdigest():
        raise Refused(400, 'XAmzContentSHA256Mismatch')
    session = os.path.join(directory, 'session')
    if headers.get('x-amz-security-token') != (open(session).read() if os.path.exists(session) else None):
        raise Refused(403, 'InvalidToken', 'the session token is another one')
    canonical = '\n'.join([method, path, query, *(f'{n}:{headers[n].strip()}' for n in names), '', ';'.join(names),
                           content_hash])
    if not hmac.compare_digest(signature(SECRET, date, scope, canonical), given):
        raise Refused(403, 'SignatureDoesNotMatch')


def iso(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.000Z')


class Bucket:
    """One request of S3: an answer is (status, headers, body)."""

    def __init__(self, method, bucket, key, query, headers, body):
        self.method, self.at, self.query, self.headers, self.body = method, (bucket, key), query, headers, body

    def answer(self):
        if self.method == 'PUT' and not self.at[1]:
            buckets.add(self.at[0])
            return 200, {}, b''
        if self.at[0] not in buckets:
            raise Refused(404, 'NoSuchBucket')
        if self.method == 'GET' and not self.at[1]:
            return self.list()
        if 'uploads' in self.query:
            return self.begin()
        if 'uploadId' in self.query:
            return {'PUT': self.part, 'POST': self.complete, 'DELETE': self.abort}[self.method]()
        return {'PUT': self.put, 'GET': self.get, 'HEAD': self.get, 'DELETE': self.delete}[self.method]()

    def store(self, content):
        if self.headers.get('if-none-match') == '*' and self.at in objects:
            raise Refused(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        objects[self.at] = (content, etag, time.time())
        return etag

    def put(self):
        return 200, {'ETag': self.store(self.body)}, b''

    def get(self):
        if self.at not in objects:
            raise Refused(404, 'NoSuchKey')
        content, etag, _ = objects[self.at]
        headers, found = {'ETag': etag}, re.fullmatch(r'bytes=(\d+)-(\d+)', self.headers.get('range', ''))
        if not found:
            return 200, headers, content
        first, last = int(found[1]), min(int(found[2]), len(content) - 1)
        if first >= len(content):
            raise Refused(416, 'InvalidRange')
        headers['Content-Range'] = f'bytes {first}-{last}/{len(content)}'
        return 206, headers, content[first:last + 1]

    def delete(self):
        objects.pop(self.at, None)
        return 204, {}, b''

    def list(self):
        bucket, prefix = self.at[0], self.query.get('prefix', '')
        after = bytes.fromhex(self.query.get('continuation-token', '')).decode()
        keys = sorted(k for b, k in objects if b == bucket and k.startswith(prefix) and k > after)
        page = keys[:PAGE]
        rows = ''.join(
            f'<Contents><Key>{escape(key, {chr(34): "&quot;"})}</Key><LastModified>{iso(changed)}</LastModified>'
            f'<Size>{len(content)}</Size></Contents>' for key in page for content, _, changed in [objects[bucket, key]])
        more = f'<NextContinuationToken>{page[-1].encode().hex()}</NextContinuationToken>' if len(keys) > PAGE else ''
        return 200, {}, ('<?xml version="1.0"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                         f'<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(page)}</KeyCount>'
                         f'<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more}{rows}'
                         '</ListBucketResult>').encode()

    def begin(self):
        name = str(uuid.uuid4()) + '/+='
        uploads[name] = (self.at, {})
        body = f'<InitiateMultipartUploadResult><UploadId>{name}</UploadId></InitiateMultipartUploadResult>'
        return 200, {}, body.encode()

    def parts(self):
        at, parts = uploads.get(self.query['uploadId'], (None, None))
        if at != self.at:
            raise Refused(404, 'NoSuchUpload')
        return parts

    def part(self):
        etag = f'"{hashlib.md5(self.body).hexdigest()}"'
        self.parts()[int(self.query['partNumber'])] = (self.body, etag)
        return 200, {'ETag': etag}, b''

    def complete(self):
        parts = self.parts()
        named = [(int(n), e.replace('&quot;', '"')) for n, e in re.findall(
            r'<Part><PartNumber>(\d+)</PartNumber><ETag>([^<]+)</ETag></Part>', self.body.decode())]
        if not named or [(n, parts[n][1]) for n in sorted(parts)] != named:
            raise Refused(400, 'InvalidPart')
        if any(len(parts[n][0]) < PART_MIN for n, _ in named[:-1]):
            raise Refused(400, 'EntityTooSmall')
        self.store(b''.join(parts[n][0] for n, _ in named))
        del uploads[self.query['uploadId']]
        return 200, {}, b'<CompleteMultipartUploadResult></CompleteMultipartUploadResult>'

    def abort(self):
        self.parts()
        del uploads[self.query['uploadId']]
        return 204, {}, b''


def error_answer(status, code, message=''):
    return status, {}, f'<Error><Code>{code}</Code><Message>{escape(message or code)}</Message></Error>'.encode()


class Stub(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def do(self):
        path, _, query = self.path.partition('?')
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get('content-length', 0)))
        if path.startswith('/rest/'):
            return catalog.answer(self.command, path[5:], query, headers, body)
        try:
            check_signature(self.command, path, query, headers, body)
            _, bucket, key = (urllib.parse.unquote(path) + '/').split('/', 2)
            names = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
            with lock:
                return Bucket(self.command, bucket, key[:-1], names, headers, body).answer()
        except Refused as refused:
            return error_answer(refused.status, refused.code, refused.message)

    def fault(self, kind):
        """What is answered without doing anything; None: no answer."""
        self.rfile.read(int(self.headers.get('content-length', 0)))
        if kind in ('hang', 'cut'):
            return None
        if kind == 'conflict':
            return error_answer(409, 'ConditionalRequestConflict')
        if kind == 'within':
            return error_answer(200, 'InternalError')
        if kind.startswith('html'):
            return int(kind[4:]), {'Content-Type': 'text/html'}, b'<html><body><h1>Something else</h1></body></html>'
        return self.error(int(kind))

    def error(self, status):
        if self.path.startswith('/rest/'):
            return catalog.error(status, 'Fault')
        return error_answer(status, 'InternalError')

    def hang(self):
        self.connection.settimeout(60)
        try:
            self.connection.recv(1)
        except OSError:
            pass

    def handle_request(self):
        kind = faults.take(self.command, self.path)
        after = kind and (kind.endswith('-after') or kind == 'half')
        answer = self.fault(kind) if kind and not after else self.do()
        if kind in ('cut-after', 'hang-after'):
            answer = None
        elif after and kind != 'half':
            answer = self.error(int(kind[:3]))
        log.write(f'{self.command} {self.path} {answer[0] if answer else 0}\n')
        if kind in ('hang', 'hang-after'):
            self.hang()
        if not answer:
            self.close_connection = True
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body[:len(body) // 2] if kind == 'half' else body)
        self.close_connection = self.close_connection or kind == 'half'

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_request


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request, address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, address)


server = Server(('127.0.0.1', 0), Stub)
if os.path.exists(os.path.join(directory, 'certificate')):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, 'certificate'), os.path.join(directory, 'key'))
    server.socket = context.wrap_socket(server.socket, server_side=True)
catalog = stub_catalog.Catalog(directory, server.server_port)
with open(os.path.join(directory, 'port.part'), 'w') as file:
    file.write(str(server.server_port))
os.rename(os.path.join(directory, 'port.part'), os.path.join(directory, 'port'))
server.serve_forever()
