#!/bin/sh
# Asks for the password until it is right; it is in the file `password`.
wanted=$(cat password)
answer=
until [ "$answer" = "$wanted" ]; do
    printf 'Password: '
    read -r anwser || exit 1
done
echo 'Welcome.'
