#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Promise: what people have an agent work on is built and tested in a session with the same output as outside: a project in
# C with make, one in Python with a virtual environment, one in Node with a test framework of the npm registry, and a
# repository that is cloned, branched and rebased. With defaults, and with nothing refused that matters.
. ./tests/kernel/lib.sh

home=/home/dev project=/home/dev/project

c_project() {
	mkdir src tests
	cat >src/squeeze.c <<-'END'
	#include <pthread.h>
	#include <stdio.h>
	#include <string.h>
	#include <zlib.h>
	static void *work(void *data) { *(int *)data = 42; return NULL; }
	int main(void)
	{
		unsigned char in[1000], out[2000];
		unsigned long len = sizeof(out);
		FILE *file = tmpfile();
		pthread_t thread;
		int answer = 0;
		memset(in, 'a', sizeof(in));
		pthread_create(&thread, NULL, work, &answer);
		pthread_join(thread, NULL);
		fprintf(file, "x");
		return compress(out, &len, in, sizeof(in)) || printf("%lu %d %ld\n", len, answer, ftell(file)) < 0;
	}
	END
	echo 'test "$(./squeeze)" = "$(cat tests/wanted)" && echo passed' >tests/run
	cat >Makefile <<-'END'
	.RECIPEPREFIX = >
	squeeze: src/squeeze.o
	> cc -pthread -o $@ $^ -lz
	src/%.o: src/%.c
	> cc -O2 -Wall -g -MD -c -o $@ $<
	check: squeeze
	> ./squeeze | tee tests/wanted && sh tests/run
	clean:
	> rm -rf squeeze src/*.o src/*.d
	END
}

python_project() {
	mkdir pkg tests
	cat >pkg/__init__.py <<-'END'
	import yaml
	def read(text): return yaml.safe_load(text)
	def square(x): return x * x
	END
	touch tests/__init__.py
	cat >tests/test_all.py <<-'END'
	import concurrent.futures, json, multiprocessing, os, pathlib, socket, sqlite3, ssl, subprocess, sys, tempfile, unittest
	import pkg
	class All(unittest.TestCase):
	    def test_yaml(self): self.assertEqual(pkg.read("a: [1, 2]"), {"a": [1, 2]})
	    def test_processes(self):
	        with multiprocessing.Pool(2) as pool: self.assertEqual(pool.map(pkg.square, range(5)), [0, 1, 4, 9, 16])
	    def test_shared_memory(self):
	        from multiprocessing import shared_memory
	        block = shared_memory.SharedMemory(create=True, size=64); block.buf[0] = 7; block.close(); block.unlink()
	    def test_executor(self):
	        with concurrent.futures.ProcessPoolExecutor(2) as pool: self.assertEqual(list(pool.map(abs, [-1, 2])), [1, 2])
	    def test_database(self):
	        with tempfile.TemporaryDirectory() as where, sqlite3.connect(where + "/db") as db:
	            db.execute("create table t (x)"); db.execute("insert into t values (1)")
	            self.assertEqual(db.execute("select x from t").fetchall(), [(1,)])
	    def test_child(self):
	        self.assertEqual(subprocess.run([sys.executable, "-c", "print(6*7)"], capture_output=True, text=True).stdout, "42\n")
	    def test_socket(self):
	        server = socket.create_server(("127.0.0.1", 0)); client = socket.create_connection(server.getsockname())
	        client.close(); server.close()
	    def test_certificates(self): self.assertTrue(ssl.create_default_context().get_ca_certs() is not None)
	    def test_files(self):
	        path = pathlib.Path("made"); path.write_text("x"); os.replace(path, "moved"); self.assertTrue(os.path.exists("moved"))
	END
}

node_project() {
	mkdir test node_modules node_modules/.bin
	cp -a "$(cat "$work/mocha")/lib/node_modules/mocha" node_modules/
	ln -s ../mocha/bin/mocha.js node_modules/.bin/mocha
	echo '{"name": "project", "version": "1.0.0", "scripts": {"test": "mocha --reporter tap", "build": "node build.js"}}' >package.json
	echo 'require("fs").writeFileSync("built.js", "module.exports = " + JSON.stringify({ at: process.cwd() })); console.log("built")' >build.js
	cat >test/all.js <<-'END'
	const assert = require('assert'), fs = require('fs'), os = require('os'), path = require('path'), child = require('child_process')
	const { Worker } = require('worker_threads'), http = require('http'), crypto = require('crypto'), zlib = require('zlib')
	describe('all', () => {
	  it('reads what was built', () => assert.equal(require('../built.js').at, process.cwd()))
	  it('starts a program', () => assert.equal(child.execSync('echo $((6 * 7))').toString(), '42\n'))
	  it('forks', done => { child.fork('-e', ['0']).on('exit', () => done()) })
	  it('has temporary files', () => { const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'x-')); fs.writeFileSync(dir + '/f', 'x'); fs.rmSync(dir, { recursive: true }) })
	  it('watches', done => { const w = fs.watch('.', () => { w.close(); done() }); fs.writeFileSync('watched', 'x') })
	  it('serves', done => { const s = http.createServer((q, a) => a.end('hi')).listen(0, '127.0.0.1', () => http.get({ port: s.address().port, host: '127.0.0.1' }, a => { a.resume(); a.on('end', () => s.close(done)) })) })
	  it('has threads', done => { new Worker('require("worker_threads").parentPort.postMessage(1)', { eval: true }).on('message', () => done()) })
	  it('encrypts', () => assert.equal(crypto.createHash('sha256').update('').digest('hex').length, 64))
	  it('compresses', () => assert.equal(zlib.gunzipSync(zlib.gzipSync('x')).toString(), 'x'))
	})
	END
}

git_project() {
	git init -q --bare ../upstream.git 2>/dev/null
	for n in 1 2 3; do
		echo "line $n" >>file
		git add file && git commit -qm "commit $n"
	done
	git branch topic HEAD~1
	echo module >.gitignore
}

# What is done with each of them; it prints nothing that differs from run to run.
do_c() {
	cat <<-'END'
	make && make check && make && touch src/squeeze.c && make check && make clean && ls
	END
}

do_python() {
	cat <<-'END'
	python3 -m venv --system-site-packages .venv && .venv/bin/python -c "import sys; print(sys.prefix)"
	.venv/bin/python -m unittest -v 2>&1 | sed "s/ in [0-9.]*s//"
	.venv/bin/python -m compileall -q pkg && ls pkg/__pycache__ && .venv/bin/pip --version
	.venv/bin/python -m http.server --help | head -n 1
	END
}

do_node() {
	cat <<-'END'
	npm run build 2>&1 && npm test 2>&1 | grep -v duration
	node --test --test-reporter tap test 2>&1 | grep -c "^# pass"
	node -p "process.version + process.platform" && npx --no-install mocha --version
	END
}

do_git() {
	cat <<-'END'
	git switch -q topic && echo t >t && git add t && git commit -qm topic && git rebase -q master && git log --format=%s
	git switch -q master && git merge -q topic && git status --short --branch && git diff HEAD~ --stat
	git stash list && echo x >>file && git stash -q && git stash pop -q && git diff --stat && git checkout -q file
	git archive HEAD | tar t && git bundle create -q b HEAD && git bundle verify -q b; git grep -n line && git shortlog -s HEAD
	git clone -q . clone && git -C clone log --oneline --format=%s && git gc -q && git fsck --no-dangling && git describe --always --all
	END
}

# fresh KIND: the same project anew, in the same place.
fresh() {
	rm -rf $project "$home/upstream.git"
	mkdir -p $project
	(
		export HOME=$home
		cd $project && git init -q -b master && "$1_project"
	)
	chown -R dev:dev $home
}

# same KIND: what is printed inside is what is printed outside, and it ends well.
same() {
	script=$("do_$1")
	fresh "$1"
	(cd $project && as_dev sh -ec "$script") >"$work/outside" 2>&1
	is $? 0 "control: $1: outside it is done"
	fresh "$1"
	jail $project
	inside sh -ec "$script" >"$work/inside" 2>&1
	is $? 0 "$1: inside it is done"
	if [ -s "$work/outside" ] && cmp -s "$work/outside" "$work/inside"; then
		ok "$1: with the same output"
	else
		not_ok "$1: with the same output" "$(diff "$work/outside" "$work/inside")"
	fi
	note "$("$al" report "$session" | sed -n '4,$p')"
	unjail
}

begin
mount -t tmpfs -o mode=755,uid=1000,gid=1000 tmpfs $home || bail 'no home'
printf '[user]\n\tname = Dev\n\temail = dev@localhost\n' >$home/.gitconfig
ci/agents find mocha >"$work/mocha" || bail 'no mocha: ci/agents fetch mocha'
for kind in ${PROJECTS:-c python node git}; do
	same "$kind"
done
plan
