# SPDX-License-Identifier: GPL-2.0-only
#
# life.py - what programs in Python do all day: python3 life.py NAME [ARG]... performs one such
# thing and says what came of it. The same words are to be said inside a session as outside.
import array
import os
import select
import socket
import sqlite3
import sys
import threading
import time


def typed_at(argv):
    """A shell on a terminal of its own, and a person at it who waits for what she types to have
    had its effect."""
    import pty
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(PS1='READY> ', TERM='dumb')
        os.execvp(argv[0], argv)
    seen = b''

    def expect(text, what):
        nonlocal seen
        end = time.time() + 30
        while text not in seen and select.select([fd], [], [], max(0, end - time.time()))[0]:
            try:
                seen += os.read(fd, 4096)
            except OSError:
                break
        print(what if text in seen else f'{what}: NOT, but {seen!r}')
        seen = seen.partition(text)[2]

    def foreground(shell):
        end = time.time() + 30
        while os.tcgetpgrp(fd) == shell and time.time() < end:
            time.sleep(0.02)

    def type_in(line):
        os.write(fd, line + b'\n')
    return pid, fd, expect, foreground, type_in


def jobs(*command):
    pid, fd, expect, foreground, type_in = typed_at([*command, 'bash', '--norc', '-i'])
    sleep = b'sh -c "echo rea\'\'dy; exec sleep 1000"'
    expect(b'READY> ', 'a shell')
    shell = os.tcgetpgrp(fd)
    type_in(sleep)
    expect(b'ready', 'a job')
    os.write(fd, b'\x1a')
    expect(b'Stopped', '^Z stops it')
    type_in(b'bg; jobs')
    expect(b'Running', 'bg goes on with it')
    type_in(b'kill %1; wait %1; echo status $?')
    expect(b'status 143', 'kill %1 and wait end it')
    type_in(sleep)
    expect(b'ready', 'another')
    os.write(fd, b'\x1a')
    expect(b'Stopped', '^Z stops it')
    type_in(b'fg')
    foreground(shell)
    os.write(fd, b'\x03')
    type_in(b'echo status $?')
    expect(b'status 130', 'fg, and ^C ends it')
    type_in(b'sleep 0.1 & wait $!; echo status $?')
    expect(b'status 0', 'wait for one in the background')
    type_in(b'stty size; tty >tty; exit 7')
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print('end', status)


KINDS = {'stream': socket.SOCK_STREAM, 'seqpacket': socket.SOCK_SEQPACKET,
         'datagram': socket.SOCK_DGRAM}


def bound(kind, address):
    family = socket.AF_UNIX
    if isinstance(address, tuple):
        family = socket.AF_INET6 if ':' in address[0] else socket.AF_INET
    server = socket.socket(family, KINDS[kind])
    server.bind(address)
    if kind != 'datagram':
        server.listen()
    return server


def answer(kind, server):
    """Answer one client, with what it said, until it says no more."""
    if kind == 'datagram':
        text, address = server.recvfrom(100)
        server.sendto(text.upper(), address)
        return
    connection = server.accept()[0]
    while text := connection.recv(100):
        connection.sendall(text.upper())


def ask(kind, server_address, own_address):
    client = socket.socket(socket.AF_UNIX if own_address else socket.AF_INET, KINDS[kind])
    if isinstance(server_address, tuple) and ':' in server_address[0]:
        client = socket.socket(socket.AF_INET6, KINDS[kind])
    client.settimeout(20)
    if kind == 'datagram' and own_address:
        client.bind(own_address)
    client.connect(server_address)
    client.sendall(b'hello')
    return client.recv(100).decode()


def sockets():
    unix = [('stream', 'path'), ('seqpacket', 'path'), ('datagram', 'path'),
            ('stream', 'abstract'), ('seqpacket', 'abstract'), ('datagram', 'abstract')]
    for kind, where in unix:
        prefix = '\0life' if where == 'abstract' else 'socket'
        name, own = f'{prefix}-{os.getpid()}-{kind}', f'{prefix}-{os.getpid()}-client'
        converse(kind, where, name, own)
    for kind in 'stream', 'datagram':
        for host in '127.0.0.1', '::1':
            converse(kind, host, (host, 0), None)


def converse(kind, where, name, own):
    server = bound(kind, name)
    child = os.fork()
    if child == 0:
        answer(kind, server)
        os._exit(0)
    print(kind, where, ask(kind, server.getsockname(), own), os.waitpid(child, 0)[1])
    server.close()
    for file in name, own:
        if isinstance(file, str) and os.path.exists(file.replace('\0', '@')):
            os.unlink(file)


def serve(kind, name):
    """A server that another command of the session talks to: one client."""
    server = bound(kind, name.replace('@', '\0'))
    print('ready', flush=True)
    answer(kind, server)


def talk(kind, name):
    own = name + '-client'
    print(ask(kind, name.replace('@', '\0'), own.replace('@', '\0')))


def descriptors():
    """A file passes over a unix socket to a child, and who sent it."""
    near, far = socket.socketpair()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    with open('passed', 'w+') as file:
        file.write('what was passed')
        file.flush()
        if os.fork() == 0:
            ancillary = {what: array.array('i', data) for _, what, data in far.recvmsg(10, 1000)[1]}
            text = os.pread(ancillary[socket.SCM_RIGHTS][0], 100, 0)
            far.sendall(b'%d ' % (ancillary[socket.SCM_CREDENTIALS][0] == os.getppid()) + text)
            os._exit(0)
        fds = array.array('i', [file.fileno()])
        near.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    print(near.recv(100).decode())
    os.unlink('passed')


def square(number):
    return number * number


def fill(queue, shared, lock):
    from multiprocessing import shared_memory
    memory = shared_memory.SharedMemory(shared)
    with lock:
        memory.buf[0] += 1
    memory.close()
    queue.put('filled')


def processes(method):
    import multiprocessing
    from multiprocessing import shared_memory
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        print(method, sum(pool.map(square, range(10))))
    queue, lock = context.Queue(), context.Lock()
    memory = shared_memory.SharedMemory(create=True, size=100)
    children = [context.Process(target=fill, args=(queue, memory.name, lock)) for _ in range(2)]
    for child in children:
        child.start()
    print([queue.get(timeout=60) for _ in children])
    for child in children:
        child.join()
    print(memory.buf[0], [child.exitcode for child in children])
    memory.close()
    memory.unlink()
    if method == 'fork':
        with context.Manager() as manager:
            numbers = manager.dict(a=1)
            numbers['b'] = 2
            print(sorted(numbers.items()))


def sqlite():
    path = 'life.sqlite'
    one = sqlite3.connect(path, isolation_level=None)
    print(one.execute('pragma journal_mode = wal').fetchone())
    one.execute('create table t (n integer)')
    child = os.fork()
    if child == 0:
        other = sqlite3.connect(path, timeout=20)
        with other:
            other.executemany('insert into t values (?)', [(n,) for n in range(100)])
        other.close()
        os._exit(0)
    print('end', os.waitpid(child, 0)[1])
    print(one.execute('select sum(n) from t').fetchone())
    print(one.execute('pragma wal_checkpoint(truncate)').fetchone())
    print(sorted(name for name in os.listdir('.') if name.startswith(path)))
    one.close()
    os.unlink(path)


def web():
    """A server and its client over HTTP, each with threads."""
    import http.server
    import urllib.request

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open('page', 'w') as page:
        page.write('a page')
    port = server.server_address[1]
    print(urllib.request.urlopen(f'http://localhost:{port}/page').read().decode())
    server.shutdown()
    os.unlink('page')


def subprocesses():
    import asyncio
    import signal
    import subprocess

    async def both():
        program = await asyncio.create_subprocess_exec('sh', '-c', 'cat; exit 3', stdin=-1, stdout=-1)
        said, _ = await program.communicate(b'through pipes')
        sleeper = await asyncio.create_subprocess_exec('sleep', '1000', start_new_session=True)
        os.killpg(sleeper.pid, signal.SIGTERM)
        return said.decode(), program.returncode, await sleeper.wait()
    print(asyncio.run(both()))
    try:
        subprocess.run(['sleep', '1000'], timeout=0.2)
    except subprocess.TimeoutExpired:
        print('timed out and was killed')
    print(subprocess.run('kill -9 $$', shell=True).returncode)


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
