/* Owns: the question whether Python code needs libraries beside the standard one. Reads import
 * lines only; an import inside a string or behind exec() is not seen, and then the answer errs on
 * the side of saying that there are none, which OSAID-C4 alone rests on. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/reader.h"
#include "stint/auto.h"

/* Top-level modules of Python's standard library (3.11, sys.stdlib_module_names), sorted. */
/* clang-format off */
static const char *const standard[] = {
    "__future__", "abc", "aifc", "antigravity", "argparse", "array", "ast", "asynchat", "asyncio",
    "asyncore", "atexit", "audioop", "base64", "bdb", "binascii", "bisect", "builtins", "bz2",
    "cProfile", "calendar", "cgi", "cgitb", "chunk", "cmath", "cmd", "code", "codecs", "codeop",
    "collections", "colorsys", "compileall", "concurrent", "configparser", "contextlib",
    "contextvars", "copy", "copyreg", "crypt", "csv", "ctypes", "curses", "dataclasses",
    "datetime", "dbm", "decimal", "difflib", "dis", "distutils", "doctest", "email", "encodings",
    "ensurepip", "enum", "errno", "faulthandler", "fcntl", "filecmp", "fileinput", "fnmatch",
    "fractions", "ftplib", "functools", "gc", "genericpath", "getopt", "getpass", "gettext",
    "glob", "graphlib", "grp", "gzip", "hashlib", "heapq", "hmac", "html", "http", "idlelib",
    "imaplib", "imghdr", "imp", "importlib", "inspect", "io", "ipaddress", "itertools", "json",
    "keyword", "lib2to3", "linecache", "locale", "logging", "lzma", "mailbox", "mailcap",
    "marshal", "math", "mimetypes", "mmap", "modulefinder", "msilib", "msvcrt", "multiprocessing",
    "netrc", "nis", "nntplib", "nt", "ntpath", "nturl2path", "numbers", "opcode", "operator",
    "optparse", "os", "ossaudiodev", "pathlib", "pdb", "pickle", "pickletools", "pipes",
    "pkgutil", "platform", "plistlib", "poplib", "posix", "posixpath", "pprint", "profile",
    "pstats", "pty", "pwd", "py_compile", "pyclbr", "pydoc", "pydoc_data", "pyexpat", "queue",
    "quopri", "random", "re", "readline", "reprlib", "resource", "rlcompleter", "runpy", "sched",
    "secrets", "select", "selectors", "shelve", "shlex", "shutil", "signal", "site", "smtpd",
    "smtplib", "sndhdr", "socket", "socketserver", "spwd", "sqlite3", "sre_compile",
    "sre_constants", "sre_parse", "ssl", "stat", "statistics", "string", "stringprep", "struct",
    "subprocess", "sunau", "symtable", "sys", "sysconfig", "syslog", "tabnanny", "tarfile",
    "telnetlib", "tempfile", "termios", "textwrap", "this", "threading", "time", "timeit",
    "tkinter", "token", "tokenize", "tomllib", "trace", "traceback", "tracemalloc", "tty",
    "turtle", "turtledemo", "types", "typing", "unicodedata", "unittest", "urllib", "uu", "uuid",
    "venv", "warnings", "wave", "weakref", "webbrowser", "winreg", "winsound", "wsgiref",
    "xdrlib", "xml", "xmlrpc", "zipapp", "zipfile", "zipimport", "zlib", "zoneinfo",
};
/* clang-format on */

static int name_compare(const void *name, const void *row)
{
    return strcmp(name, *(const char *const *)row);
}

static bool is_standard(const char *module)
{
    return bsearch(module, standard, STINT_ARRAY_SIZE(standard), sizeof(*standard), name_compare) !=
           NULL;
}

/* Is there a file or folder of that name anywhere in the tree? */
static bool is_local(const struct reader *reader, const char *module)
{
    char file[96];
    char folder[96];
    (void)snprintf(file, sizeof(file), "%.80s.py", module);
    (void)snprintf(folder, sizeof(folder), "%.80s/", module);
    for (size_t i = 0; i < reader->manifest->file_count; i++) {
        const char *path = reader->manifest->files[i].path;
        const char *slash = strrchr(path, '/');
        const char *found = strstr(path, folder);
        if (strcmp(slash ? slash + 1 : path, file) == 0 ||
            (found && (found == path || found[-1] == '/')))
            return true;
    }
    return false;
}

static void see_module(struct reader *reader, const char *name, size_t length)
{
    char module[81];
    if (length == 0 || length >= sizeof(module) || reader->has_foreign_import)
        return; /* relative imports have no name */
    memcpy(module, name, length);
    module[length] = '\0';
    if (!is_standard(module) && !is_local(reader, module))
        reader->has_foreign_import = true;
}

static const char module_end[] = " \t\r\n.,;#(";

/* "import a.b as c, d": every name; "from a.b import c": the first. */
static void see_line(struct reader *reader, const char *line)
{
    line += strspn(line, " \t");
    if (strncmp(line, "from ", 5) == 0) {
        line += 5 + strspn(line + 5, " \t");
        see_module(reader, line, strcspn(line, module_end));
        return;
    }
    if (strncmp(line, "import ", 7) != 0)
        return;
    line += 7;
    while (*line && *line != '#') {
        line += strspn(line, " \t,");
        see_module(reader, line, strcspn(line, module_end));
        line += strcspn(line, ",");
    }
}

void read_imports(struct reader *reader, const struct reader_file *file)
{
    char line[512];
    const char *dot = strrchr(file->base, '.');
    if (!dot || strcasecmp(dot, ".py") != 0 || file->is_cut) {
        reader->other_code_count++;
        return;
    }
    if (reader->python_count++ == 0)
        reader->python_index = file->index;
    const char *at = file->text;
    const char *end = file->text + file->length;
    while (at < end && !reader->has_foreign_import) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t whole = newline ? (size_t)(newline - at) : (size_t)(end - at);
        size_t kept = whole < sizeof(line) ? whole : sizeof(line) - 1;
        memcpy(line, at, kept);
        line[kept] = '\0';
        see_line(reader, line);
        at += whole + 1;
    }
}
